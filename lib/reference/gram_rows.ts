/**
 * Reference of `gram_rows`: products of all pairs of rows.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** `W Wᵀ`. */
export function gramRows(w: Matrix): Matrix {
  return w.map((a) => Float64Array.from(w, (b) => dot(a, b)));
}
