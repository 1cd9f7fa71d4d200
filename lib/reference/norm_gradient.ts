/**
 * The gradient through a normalisation of rows.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** `(I - u uᵀ) g / ‖w‖` with u = w / ‖w‖, for every row; zero for zero rows. */
export function normGradient(w: Matrix, grad: Matrix): Float64Array[] {
  return w.map((row, r) => {
    const norm = Math.sqrt(dot(row, row));
    const along = dot(row, grad[r]) / norm;
    return grad[r].map((g, i) => norm > 0 ? (g - along * row[i] / norm) / norm : 0);
  });
}
