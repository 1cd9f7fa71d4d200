/**
 * Rotary positions of one head.
 * @module
 */

/** How a head is turned: angles a position of all pairs, which pairs, and how often numbers are repeated before. */
export interface Turning {
  /** Radians a position, one a pair. */
  angles: readonly number[];
  /** Pairs are (2i, 2i + 1), not (i, i + pairs). */
  adjacentPairs: boolean;
  /** Copies of every number. */
  copies: number;
}

/** The two numbers of pair `i`. */
function pairOf({ angles, adjacentPairs }: Turning, i: number): [number, number] {
  return adjacentPairs ? [2 * i, 2 * i + 1] : [i, i + angles.length];
}

/** Repeats every number of a head, then turns the pairs as points of a plane by `position` times their angle. */
export function ropeRows(x: Float64Array, position: number, turning: Turning): Float64Array {
  const out = new Float64Array(x.length * turning.copies);
  out.forEach((_, j) => out[j] = x[Math.floor(j / turning.copies)]);
  turning.angles.forEach((angle, i) => {
    const [a, b] = pairOf(turning, i);
    const [cos, sin] = [Math.cos(position * angle), Math.sin(position * angle)];
    [out[a], out[b]] = [out[a] * cos - out[b] * sin, out[b] * cos + out[a] * sin];
  });
  return out;
}

/** Derivative by the head from the derivative `g` by what {@link ropeRows} makes of it: turned back, copies added. */
export function ropeRowsBackward(
  g: Float64Array,
  position: number,
  turning: Turning,
): Float64Array {
  const back = g.slice();
  turning.angles.forEach((angle, i) => {
    const [a, b] = pairOf(turning, i);
    const [cos, sin] = [Math.cos(position * angle), Math.sin(position * angle)];
    [back[a], back[b]] = [g[a] * cos + g[b] * sin, g[b] * cos - g[a] * sin];
  });
  const out = new Float64Array(g.length / turning.copies);
  back.forEach((v, j) => out[Math.floor(j / turning.copies)] += v);
  return out;
}
