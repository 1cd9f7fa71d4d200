/**
 * Exact scores of candidates.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/**
 * `x[r] · w[latent] + bias[latent]` for the candidates of every row.
 * @param candidates latents of every row
 */
export function scoreCandidates(
  candidates: readonly (readonly number[])[],
  x: Matrix,
  w: Matrix,
  bias: Float64Array,
): number[][] {
  return candidates.map((latents, r) => latents.map((l) => dot(x[r], w[l]) + bias[l]));
}
