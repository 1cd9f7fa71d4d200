/**
 * The lower terms of the polynomial of a Newton-Schulz step.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `a · I + b · gram`. */
export function schulzPolynomial(gram: Matrix, a: number, b: number): Matrix {
  return gram.map((row, r) => row.map((v, c) => b * v + (r === c ? a : 0)));
}
