/**
 * An iteration of matching pursuit on the scores of a row.
 * @module
 */
import { argmaxMerge } from "./argmax_merge.ts";
import type { Entry, Matrix } from "./types.ts";

/** Scores after an iteration, and the largest of them. */
export interface SteppedScores {
  /** [latents]. */
  scores: Float64Array;
  /** Absent where every score is NaN. */
  best?: Entry;
}

/**
 * With the residual r less v · w[j], the scores `W r` lose v times row j of `gram` = W Wᵀ.
 * @param pick the pick before, absent before the first
 */
export function pursuitStep(
  scores: Float64Array,
  gram: Matrix,
  pick: Entry | undefined,
): SteppedScores {
  const left = pick ? scores.map((c, i) => c - pick.value * gram[pick.latent][i]) : scores.slice();
  return { scores: left, best: argmaxMerge([left])[0] };
}
