/**
 * Gradients of unit-length rows, and the squares that clipping needs.
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

/** Squared length of all gradients of each latent: decoder row, encoder row and encoder bias. */
export function latentSquares(grad: Matrix, other: Matrix, gradBias: Float64Array): Float64Array {
  return gradBias.map((b, l) => dot(grad[l], grad[l]) + dot(other[l], other[l]) + b * b);
}
