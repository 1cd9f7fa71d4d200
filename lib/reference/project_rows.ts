/**
 * Gradients of unit-length rows.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** Takes from every row of `grad` its component along the row of `w`; nothing where that is zero. */
export function projectRows(w: Matrix, grad: Matrix): Matrix {
  return grad.map((g, l) => {
    const square = dot(w[l], w[l]);
    const along = square > 0 ? dot(w[l], g) / square : 0;
    return g.map((v, c) => v - along * w[l][c]);
  });
}
