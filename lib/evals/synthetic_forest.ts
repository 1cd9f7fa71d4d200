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
  /** Children of each node that has some. */
  readonly children: ReadonlyMap<number, readonly number[]>;
}

/** Lays the forest over the first features, breadth first, as far as they reach. */
export function forestOf({ roots, branching, levels }: ForestShape, features: number): Forest {
  const children = new Map<number, number[]>();
  let above = 0, next = roots, width = roots;
  for (let level = 0; level < levels; level++) {
    const own = width * branching;
    for (let i = 0; i < own && next + i < features; i++) {
      const parent = above + Math.floor(i / branching);
      children.set(parent, [...children.get(parent) ?? [], next + i]);
    }
    above = next;
    next += own;
    width = own;
  }
  return { children };
}

/**
 * Chances of children once their parent fires, so that after {@link grow} features fire about as often as `wanted` says: over
 * that of the parent, and more where siblings may take the place. At most 1; other features keep theirs.
 */
export function withForest({ children }: Forest, wanted: Float64Array): Float64Array {
  const chance = wanted.slice();
  for (const [parent, own] of children) {
    const shares = own.map((f) => wanted[f] / wanted[parent]);
    const all = shares.reduce((a, b) => a + b, 0);
    own.forEach((f, i) => chance[f] = Math.min(1, shares[i] * (1 + all - shares[i])));
  }
  return chance;
}

/**
 * What fires of a forest: the roots that fired, and below every node that fires at most one child: of those that are drawn
 * one, by an even choice.
 * @param fired roots, and features outside of the forest
 * @param chance frequencies by {@link withForest}
 * @param draw a number in [0, 1) for a feature: whether a child is drawn
 * @param choice a number in [0, 1) for the children of a node: which of those that are drawn stays
 * @returns all features that fire, ascending
 */
export function grow(
  { children }: Forest,
  fired: readonly number[],
  chance: Float64Array,
  draw: (feature: number) => number,
  choice: (parent: number) => number,
): number[] {
  const all = [...fired];
  // Grows while it is walked: children of children.
  for (let i = 0; i < all.length; i++) {
    const drawn = (children.get(all[i]) ?? []).filter((f) => draw(f) < chance[f]);
    if (drawn.length > 0) {
      all.push(drawn[drawn.length === 1 ? 0 : Math.floor(choice(all[i]) * drawn.length)]);
    }
  }
  return all.sort((a, b) => a - b);
}
