/**
 * Products of causal attention, one head and one sequence at a time.
 * @module
 */
import { dot, type Matrix, zeros } from "./types.ts";

/** `a[q] · b[k]` for every query and the keys up to it, zero beyond; the queries are the last ones of the keys. */
export function attentionScores(a: Matrix, b: Matrix): Matrix {
  const before = b.length - a.length;
  return a.map((row, q) => Float64Array.from(b, (key, k) => k <= before + q ? dot(row, key) : 0));
}

/** `Σ over keys of pattern[q][k] · rows[k]`, by query. */
export function attentionMix(pattern: Matrix, rows: Matrix): Matrix {
  return pattern.map((weights) =>
    Float64Array.from(rows[0], (_, c) => weights.reduce((sum, w, k) => sum + w * rows[k][c], 0))
  );
}

/** `Σ over queries of pattern[q][k] · rows[q]`, by key. */
export function attentionSpread(pattern: Matrix, rows: Matrix): Matrix {
  const out = zeros(pattern[0].length, rows[0].length);
  pattern.forEach((weights, q) =>
    weights.forEach((w, k) => rows[q].forEach((v, c) => out[k][c] += w * v))
  );
  return out;
}
