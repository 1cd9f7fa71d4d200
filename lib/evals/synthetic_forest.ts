/**
 * Features that imply each other: trees in which a child fires only with its parent, and of siblings only one.
 * Source: evals spec, section 9.1.
 * @module
 */

/** Sizes of a forest; its trees are filled level by level in the order of features. */
export interface ForestShape {
  /** Number of trees. */
  roots: number;
  /** Children of a node. */
  branching: number;
  /** Levels below the roots. */
  levels: number;
}

/** Who belongs to whom. */
export interface Forest {
  /** Parent of each feature, less than the feature itself; -1 for roots and for features outside of the forest. */
  readonly parent: Int32Array;
  /** Children of a node. */
  readonly branching: number;
}

/** Lays the forest over the first features, breadth first, as far as they reach. */
export function forestOf({ roots, branching, levels }: ForestShape, features: number): Forest {
  const parent = new Int32Array(features).fill(-1);
  let above = 0, next = roots, width = roots;
  for (let level = 0; level < levels; level++) {
    const own = width * branching;
    for (let i = 0; i < own && next + i < features; i++) {
      parent[next + i] = above + Math.floor(i / branching);
    }
    above = next;
    next += own;
    width = own;
  }
  return { parent, branching };
}

/**
 * Frequencies to draw with, so that after {@link prune} features fire about as often as `wanted` says: over that of the
 * parent, and more where siblings may take the place. At most 1.
 */
export function withForest({ parent, branching }: Forest, wanted: Float64Array): Float64Array {
  const siblings = new Map<number, number>();
  parent.forEach((p, f) => {
    if (p >= 0) siblings.set(p, (siblings.get(p) ?? 0) + wanted[f] / wanted[p]);
  });
  return wanted.map((own, f) => {
    const p = parent[f];
    if (p < 0) return own;
    const share = own / wanted[p];
    const others = branching > 1 ? siblings.get(p)! - share : 0;
    return Math.min(1, share * (1 + others));
  });
}

/**
 * What is left of features that fired: children of silent parents go, and of siblings one stays, by an even choice.
 * @param fired ascending
 * @param choice a number in [0, 1) for the children of a parent
 */
export function prune(
  { parent }: Forest,
  fired: readonly number[],
  choice: (parent: number) => number,
): number[] {
  const kept: number[] = [];
  // Parents come before their children, and siblings lie side by side.
  for (let i = 0; i < fired.length;) {
    const p = parent[fired[i]];
    if (p < 0) {
      kept.push(fired[i++]);
      continue;
    }
    let end = i;
    while (end < fired.length && parent[fired[end]] === p) end++;
    if (kept.includes(p)) {
      const count = end - i;
      kept.push(fired[count === 1 ? i : i + Math.floor(choice(p) * count)]);
    }
    i = end;
  }
  return kept;
}
