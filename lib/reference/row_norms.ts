/**
 * Lengths of rows.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** `√Σ w²` of every row. */
export function rowNorms(w: Matrix): Float64Array {
  return Float64Array.from(w, (row) => Math.sqrt(dot(row, row)));
}
