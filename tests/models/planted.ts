/**
 * Rows with known features: what a sparse dictionary must find again.
 */
import { RandomStream } from "../../lib/base/random.ts";

/** Features and the rows that are made of them. */
export interface Planted {
  /** Unit features [count, d]. */
  features: Float32Array;
  /** Row-major [rows, d]. */
  x: Float32Array<ArrayBuffer>;
  /** Width. */
  d: number;
  /** Number of features. */
  count: number;
}

/**
 * Each row is the sum of `active` different random unit features with weights in [1, 2), plus a constant offset.
 * @param options `offset` is the length of the constant, default 0
 */
export function plantedRows(
  options: {
    rows: number;
    d: number;
    count: number;
    active: number;
    seed?: number;
    offset?: number;
  },
): Planted {
  const { rows, d, count, active, seed = 1, offset = 0 } = options;
  const stream = new RandomStream(seed, "planted");
  const features = new Float32Array(count * d);
  for (let f = 0; f < count; f++) {
    const row = features.subarray(f * d, (f + 1) * d);
    stream.fillNormal(f, row);
    const norm = Math.hypot(...row);
    row.forEach((v, j) => row[j] = v / norm);
  }
  const x = new Float32Array(rows * d).fill(offset / Math.sqrt(d));
  for (let r = 0; r < rows; r++) {
    const chosen = new Set<number>();
    for (let i = 0; chosen.size < active; i++) chosen.add(stream.below(count, count + r, i));
    [...chosen].forEach((f, i) => {
      const weight = 1 + stream.uniform(count + rows + r, i);
      for (let j = 0; j < d; j++) x[r * d + j] += weight * features[f * d + j];
    });
  }
  return { features, x, d, count };
}

/** Mean over features of the largest cosine with any row of `rows` [n, d]. */
export function meanMaxCosine({ features, d, count }: Planted, rows: Float32Array): number {
  let sum = 0;
  for (let f = 0; f < count; f++) {
    let best = -1;
    for (let n = 0; n < rows.length / d; n++) {
      let product = 0, square = 0;
      for (let j = 0; j < d; j++) {
        product += features[f * d + j] * rows[n * d + j];
        square += rows[n * d + j] ** 2;
      }
      best = Math.max(best, product / Math.sqrt(square || 1));
    }
    sum += best;
  }
  return sum / count;
}
