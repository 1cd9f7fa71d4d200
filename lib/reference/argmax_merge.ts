/**
 * The largest score of every row.
 * @module
 */
import type { Entry, Matrix } from "./types.ts";

/**
 * The largest score of every row and its latent; of equal scores the lowest latent. NaN is never taken.
 * @param limit latents at or beyond it do not take part
 */
export function argmaxMerge(scores: Matrix, limit: number = Infinity): (Entry | undefined)[] {
  return scores.map((row) => {
    let best: Entry | undefined;
    row.forEach((value, latent) => {
      if (latent < limit && value > (best?.value ?? -Infinity)) best = { latent, value };
    });
    return best;
  });
}
