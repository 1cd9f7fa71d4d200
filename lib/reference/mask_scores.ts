/**
 * Scores of some of the latents only.
 * @module
 */
import type { Matrix } from "./types.ts";

/** Scores of flagged rows; what never passes a gate for the others. */
export function maskRows(scores: Matrix, flags: readonly boolean[]): Matrix {
  return scores.map((row, r) => flags[r] ? row : row.map(() => -Infinity));
}

/** Scores of flagged latents; what never passes a gate for the others. */
export function maskScores(scores: Matrix, flags: readonly boolean[]): Matrix {
  return scores.map((row) => row.map((s, latent) => flags[latent] ? s : -Infinity));
}
