/**
 * Rows moved between matrices.
 * @module
 */
import type { Matrix } from "./types.ts";

/** What a row may be divided by: its length over √d, or about its mean its unbiased standard deviation + 1e-5. */
function normalised(row: Float64Array, norm?: "token" | "layer_norm"): Float64Array {
  if (!norm) return row;
  const d = row.length;
  const mean = norm === "token" ? 0 : row.reduce((sum, v) => sum + v, 0) / d;
  const square = row.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const size = norm === "token"
    ? Math.sqrt(square / d) || 1
    : Math.sqrt(square / Math.max(1, d - 1)) + 1e-5;
  return row.map((v) => (v - mean) / size);
}

/** The target rows of `list` by their number: `scale · norm(source row)`. */
export function moveRows(
  list: readonly (readonly [from: number, to: number])[],
  source: Matrix,
  scale: number,
  norm?: "token" | "layer_norm",
): Map<number, Float64Array> {
  return new Map(
    list.map(([from, to]) => [to, normalised(source[from], norm).map((v) => v * scale)]),
  );
}
