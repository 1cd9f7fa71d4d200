/**
 * Weighted rows added to a matrix.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `grad[l] + weights[l] · rows[l]`, or `rows[0]` for every l when there is only one. */
export function addRows(grad: Matrix, weights: ArrayLike<number>, rows: Matrix): Matrix {
  return grad.map((g, l) => g.map((v, c) => v + weights[l] * rows[rows.length > 1 ? l : 0][c]));
}
