/**
 * The best of candidates.
 * @module
 */
import type { Entry } from "./types.ts";

/** The k largest candidates of every row, largest first; of equal ones the lowest latent. NaN is never kept. */
export function rankCandidates(candidates: readonly (readonly Entry[])[], k: number): Entry[][] {
  return candidates.map((row) =>
    row.filter(({ value }) => !Number.isNaN(value))
      .toSorted((a, b) => b.value - a.value || a.latent - b.latent)
      .slice(0, k)
  );
}
