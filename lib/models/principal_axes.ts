/**
 * Directions in which rows vary most, for scores that look at a few columns only.
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { ScreenOptions } from "../blocks/coders/screened.ts";
import { roundUp } from "../tensor/shards.ts";
import type { ModelOptions, StartFacts } from "./types.ts";

/** Rows that axes are found from: more change what they hold by less than a part in a hundred. */
const MOST_ROWS = 4096;

/** Rounds of the power method; what the axes hold of the squares settles long before they do. */
const ROUNDS = 6;

/** Sums of products of the columns of rows [n, d], in float64. */
function secondMoments(rows: Float64Array, d: number): Float64Array {
  const sums = new Float64Array(d * d);
  for (let first = 0; first < rows.length; first += d) {
    for (let i = 0; i < d; i++) {
      const a = rows[first + i];
      const at = i * d;
      for (let j = i; j < d; j++) sums[at + j] += a * rows[first + j];
    }
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) sums[i * d + j] = sums[j * d + i];
  return sums;
}

/** Makes rows [m, d] orthonormal, in their order; what depends on earlier ones begins anew in a random direction. */
function orthonormalise(rows: Float64Array, d: number, stream: RandomStream): void {
  const m = rows.length / d;
  const fresh = new Float32Array(d);
  for (let a = 0; a < m; a++) {
    const row = rows.subarray(a * d, (a + 1) * d);
    let left = 0;
    for (let attempt = 0; left < 1e-6; attempt++) {
      if (attempt > 0) {
        stream.fillNormal(attempt * m + a, fresh);
        row.set(fresh);
      }
      normalise(row);
      // Twice is enough.
      for (let pass = 0; pass < 2; pass++) {
        for (let b = 0; b < a; b++) {
          const at = b * d;
          let sum = 0;
          for (let j = 0; j < d; j++) sum += row[j] * rows[at + j];
          for (let j = 0; j < d; j++) row[j] -= sum * rows[at + j];
        }
        if (pass === 0) left = normalise(row);
      }
    }
    normalise(row);
  }
}

/** Gives a row unit length; returns its length before. */
function normalise(row: Float64Array): number {
  let square = 0;
  for (const v of row) square += v * v;
  const length = Math.sqrt(square);
  if (length > 0) { for (let j = 0; j < row.length; j++) row[j] /= length; }
  return length;
}

/**
 * An orthonormal basis of about the `count` leading principal axes of rows about a centre, by orthogonal iteration from
 * random directions: a pure function of the rows.
 * @param rows row-major [n, d]
 * @param count axes, at most d
 * @returns row-major [count, d]
 */
export function principalAxes(
  rows: Float32Array,
  d: number,
  count: number,
  centre: ArrayLike<number> = new Float32Array(d),
): Float64Array {
  const all = rows.length / d;
  const n = Math.min(MOST_ROWS, all);
  const centred = new Float64Array(n * d);
  for (let r = 0; r < n; r++) {
    // Spread over all rows, whose neighbours may come from one text.
    const at = Math.floor(r * all / n) * d;
    for (let j = 0; j < d; j++) centred[r * d + j] = rows[at + j] - centre[j];
  }
  const moments = secondMoments(centred, d);
  const stream = new RandomStream(1, "axes");
  const start = new Float32Array(count * d);
  stream.fillNormal(0, start);
  let axes = Float64Array.from(start);
  orthonormalise(axes, d, stream);
  for (let round = 0; round < ROUNDS && count < d; round++) {
    const next = new Float64Array(count * d);
    for (let a = 0; a < count; a++) {
      for (let i = 0; i < d; i++) {
        const v = axes[a * d + i], at = i * d;
        for (let j = 0; j < d; j++) next[a * d + j] += v * moments[at + j];
      }
    }
    orthonormalise(next, d, stream);
    axes = next;
  }
  return axes;
}

/**
 * The axes of a screened selection, of what its encoder looks at.
 * @returns row-major [dIn, dims]; columns beyond the width are zero
 */
export function screenAxes(
  { dIn, inputBias, decoderBias }: Pick<ModelOptions, "dIn" | "inputBias" | "decoderBias">,
  { dims }: ScreenOptions,
  { sample, bDec }: Pick<StartFacts, "sample" | "bDec">,
): Float32Array {
  const count = Math.min(dims, dIn);
  const centre = inputBias && decoderBias ? bDec[0] : undefined;
  const axes = principalAxes(sample, dIn, count, centre);
  const stride = roundUp(dims, 4);
  const out = new Float32Array(dIn * stride);
  for (let a = 0; a < count; a++) {
    for (let j = 0; j < dIn; j++) out[j * stride + a] = axes[a * dIn + j];
  }
  return out;
}
