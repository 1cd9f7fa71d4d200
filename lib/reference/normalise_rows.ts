/**
 * Rows of a given length.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** Every row scaled to `length`; a zero row stays zero. */
export function normaliseRows(w: Matrix, length = 1): Matrix {
  return w.map((row) => {
    const norm = Math.sqrt(dot(row, row));
    return norm === 0 ? row.slice() : row.map((v) => v * length / norm);
  });
}
