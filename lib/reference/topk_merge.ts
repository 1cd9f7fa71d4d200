/**
 * Selection of the largest scores.
 * @module
 */
import type { Entry, Matrix } from "./types.ts";

/**
 * The k largest scores of every row, largest first; of equal scores the lowest latent. NaN is never selected.
 * @param limit latents at or beyond it do not take part
 */
export function topkMerge(scores: Matrix, k: number, limit: number = Infinity): Entry[][] {
  return scores.map((row) =>
    Array.from(row, (value, latent) => ({ latent, value }))
      .filter(({ latent, value }) => latent < limit && !Number.isNaN(value))
      .sort((a, b) => b.value - a.value || a.latent - b.latent)
      .slice(0, k)
  );
}
