/**
 * On how many rows each latent is active.
 * @module
 */
import type { Code } from "./types.ts";

/** Rows a latent, [latents]. */
export function countEntries(code: Code, latents: number): number[] {
  const counts = new Array<number>(latents).fill(0);
  for (const entries of code) for (const { latent } of entries) counts[latent]++;
  return counts;
}
