/**
 * Newton-Schulz iterations towards the nearest matrix with orthonormal rows or columns (Jordan et al. 2024).
 * @module
 */
import { matmul, transpose } from "./matmul.ts";
import { schulzPolynomial } from "./schulz_polynomial.ts";
import { schulzScale } from "./schulz_scale.ts";
import type { Matrix } from "./types.ts";

/** After `steps` iterations: singular values near 1, singular vectors as they were. */
export function newtonSchulz(
  m: Matrix,
  [a, b, c]: readonly [number, number, number],
  steps: number,
): Matrix {
  const scale = schulzScale(Float64Array.from(m.flatMap((row) => Array.from(row)), (v) => v * v));
  const tall = m.length > m[0].length;
  let x: Matrix = (tall ? transpose(m) : m).map((row) => row.map((v) => v * scale));
  for (let i = 0; i < steps; i++) {
    const gram = matmul(x, transpose(x));
    x = matmul(matmul(gram, gram, c, 1, schulzPolynomial(gram, a, b)), x);
  }
  return tall ? transpose(x) : x;
}
