/**
 * Sums over the rows of a matrix.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `Σ_r weights[r] · m[r]`; every weight is 1 when absent. */
export function columnSums(m: Matrix, weights?: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(m[0].length);
  m.forEach((row, r) => {
    for (let c = 0; c < sums.length; c++) sums[c] += (weights ? weights[r] : 1) * row[c];
  });
  return sums;
}
