/**
 * How much of a code another one has.
 * @module
 */
import type { Code } from "./types.ts";

/** Share of the entries of `wanted` whose latents the same rows of `found` have; 1 where there are none. */
export function codeRecall(wanted: Code, found: Code): number {
  let hits = 0, all = 0;
  wanted.forEach((entries, r) => {
    const has = new Set(found[r].map(({ latent }) => latent));
    all += entries.length;
    hits += entries.filter(({ latent }) => has.has(latent)).length;
  });
  return all === 0 ? 1 : hits / all;
}
