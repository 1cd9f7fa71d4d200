/**
 * A dictionary of normalised rows as one of the rows themselves: each row is normalised before, and its output brought
 * back after. Both happen on the host, which reads the outputs for it.
 * @module
 */
import { STATS } from "../kernels/residual_rows.ts";
import { normaliseRows, restoreRows, ROW_NORMS, type RowNorm } from "../tensor/row_norm.ts";
import type { LoadedDictionary } from "./loaded.ts";
import type { TrainedRecord } from "./record.ts";

/** Sums of each row as `residual_rows` makes them: |r|², -, |y|², x·y, |x|². */
function statsOf(x: Float32Array, y: Float32Array, d: number): Float32Array {
  const rows = x.length / d;
  const stats = new Float32Array(rows * STATS);
  for (let row = 0; row < rows; row++) {
    let residual = 0, output = 0, product = 0, input = 0;
    for (let i = row * d; i < (row + 1) * d; i++) {
      residual += (x[i] - y[i]) ** 2;
      output += y[i] ** 2;
      product += x[i] * y[i];
      input += x[i] ** 2;
    }
    stats.set([residual, 0, output, product, input], row * STATS);
  }
  return stats;
}

/** The record of a dictionary that was trained on rows as the configuration says; only autoencoders are row by row. */
export function withRowNorm(record: TrainedRecord, how: string): TrainedRecord {
  const rowNorm = ROW_NORMS.find((name) => name === how);
  return rowNorm && record.kind === "sae" ? { ...record, rowNorm } : record;
}

/** Wraps an autoencoder that was trained on normalised rows of width `d`. */
export function rowNormalised(
  inner: LoadedDictionary,
  how: RowNorm,
  d: number,
): LoadedDictionary {
  return {
    ...inner,
    async run([x], withRecon = false) {
      const normalised = normaliseRows(x, d, how);
      const found = await inner.run([normalised.values], true);
      const recon = restoreRows(found.recon![0], d, normalised);
      return { ...found, stats: [statsOf(x, recon, d)], recon: withRecon ? [recon] : undefined };
    },
  };
}
