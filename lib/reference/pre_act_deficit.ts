/**
 * What scores lack to their thresholds, computed densely: the truth that the sparse form has to meet.
 * @module
 */
import type { Matrix } from "./types.ts";

/** Σ over rows of ReLU(θ - h · norm), by latent. */
export function preActDeficit(
  scores: Matrix,
  thresholds: ArrayLike<number>,
  norms?: ArrayLike<number>,
): Float64Array {
  const out = new Float64Array(thresholds.length);
  for (const row of scores) {
    row.forEach((h, l) => out[l] += Math.max(0, thresholds[l] - h * (norms?.[l] ?? 1)));
  }
  return out;
}
