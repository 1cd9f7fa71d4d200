/**
 * Scores times a factor a latent.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `scores[r, l] · factors[l]`. */
export function scalePanel(scores: Matrix, factors: ArrayLike<number>): Matrix {
  return scores.map((row) => row.map((v, latent) => v * factors[latent]));
}
