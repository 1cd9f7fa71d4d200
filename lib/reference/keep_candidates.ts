/**
 * The best of candidates.
 * @module
 */
import type { Code } from "./types.ts";

/** The k largest positive candidates of every row, of equal ones the lowest latents; latents ascending. */
export function keepCandidates(candidates: Code, k: number): Code {
  return candidates.map((row) =>
    row.filter(({ value }) => value > 0)
      .toSorted((a, b) => b.value - a.value || a.latent - b.latent)
      .slice(0, k)
      .toSorted((a, b) => a.latent - b.latent)
  );
}
