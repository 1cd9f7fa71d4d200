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

/** Waves of a rotation: `base^(2i/dim)` positions a radian, the long ones slowed down by parts where `ntk` says so. */
export interface Waves {
  readonly dim: number;
  readonly base: number;
  readonly ntk?: {
    readonly factor: number;
    readonly lowFreqFactor: number;
    readonly highFreqFactor: number;
    readonly oldContext: number;
  };
}

/** Radians a position of every pair. Between short and long waves the two are blended, by how often a wave fits. */
export function rotaryAngles({ dim, base, ntk }: Waves): number[] {
  return Array.from({ length: dim / 2 }, (_, i) => {
    const angle = Math.pow(base, -2 * i / dim);
    if (!ntk) return angle;
    const { factor, lowFreqFactor: low, highFreqFactor: high, oldContext } = ntk;
    const turns = oldContext * angle / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return kept * angle + (1 - kept) * angle / factor;
  });
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
