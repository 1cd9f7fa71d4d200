/**
 * Softmax over the keys up to a query's own.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `exp(factor · s[q][k]) / Σ` over the keys up to query q, which are those before the first query and `q + 1` more. */
export function causalSoftmax(scores: Matrix, factor: number): Matrix {
  const before = scores[0].length - scores.length;
  return scores.map((row, q) => {
    const best = Math.max(...row.slice(0, before + q + 1));
    const powers = row.map((s, k) => k <= before + q ? Math.exp(factor * (s - best)) : 0);
    const total = powers.reduce((sum, p) => sum + p, 0);
    return powers.map((p) => p / total);
  });
}

/** Derivative by the scores, before the factor, from the derivative by the pattern. */
export function causalSoftmaxBackward(pattern: Matrix, grad: Matrix, factor: number): Matrix {
  return pattern.map((row, q) => {
    const mean = row.reduce((sum, p, k) => sum + p * grad[q][k], 0);
    return row.map((p, k) => factor * p * (grad[q][k] - mean));
  });
}
