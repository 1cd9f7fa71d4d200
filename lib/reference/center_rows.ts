/**
 * The encoder's input: rows less a bias.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `x[r] - bias` for every row. */
export function centerRows(x: Matrix, bias: Float64Array): Matrix {
  return x.map((row) => row.map((v, c) => v - bias[c]));
}
