/**
 * Rows that are normalised one by one, and what brings an output back to the size and place of its row.
 * @module
 */

/** What may be done to each row: its length becomes √d, or its mean 0 and its standard deviation 1. */
export const ROW_NORMS = ["token", "layer_norm"] as const;

/** One of {@link ROW_NORMS}. */
export type RowNorm = typeof ROW_NORMS[number];

/** Added to the standard deviation of a row, as SAELens does. */
const LAYER_NORM_EPS = 1e-5;

/** Normalised rows with what was taken from them. */
export interface NormalisedRows {
  /** Row-major [rows, d]. */
  values: Float32Array;
  /** Of each row what is added to an output, after `size`. */
  mean: Float64Array;
  /** Of each row what an output is multiplied by. */
  size: Float64Array;
}

/**
 * Normalises the rows of a matrix [rows, d]: `x √d / ‖x‖`, or `(x - mean) / (std + 1e-5)` with the unbiased standard
 * deviation. A row of zeros stays one. Source: architectures spec, section 12.4.
 */
export function normaliseRows(values: Float32Array, d: number, how: RowNorm): NormalisedRows {
  const rows = values.length / d;
  const result = {
    values: new Float32Array(values.length),
    mean: new Float64Array(rows),
    size: new Float64Array(rows),
  };
  for (let row = 0; row < rows; row++) {
    const start = row * d, end = start + d;
    let sum = 0, square = 0;
    if (how === "layer_norm") { for (let i = start; i < end; i++) sum += values[i]; }
    const mean = sum / d;
    for (let i = start; i < end; i++) square += (values[i] - mean) ** 2;
    const size = Math.sqrt(square / (how === "layer_norm" ? Math.max(1, d - 1) : d));
    const divisor = how === "layer_norm" ? size + LAYER_NORM_EPS : size || 1;
    for (let i = start; i < end; i++) result.values[i] = (values[i] - mean) / divisor;
    result.mean[row] = mean;
    result.size[row] = size;
  }
  return result;
}

/** Outputs [rows, d] of normalised rows as outputs of the rows themselves. */
export function restoreRows(
  outputs: Float32Array,
  d: number,
  { mean, size }: Pick<NormalisedRows, "mean" | "size">,
): Float32Array {
  return outputs.map((value, i) => {
    const row = Math.floor(i / d);
    return value * size[row] + mean[row];
  });
}
