/**
 * Gradient of a bias a latent that every head adds to its scores.
 * @module
 */
import type { Code, EntryNumbers } from "./types.ts";

/**
 * Σ dz of a latent's entries, once for every head that proposed them.
 * @param proposers bit h of an entry's word: head h proposed it
 */
export function pkmBiasGradient(
  code: Code,
  dz: EntryNumbers,
  proposers: EntryNumbers,
  latents: number,
): Float64Array {
  const grad = new Float64Array(latents);
  code.forEach((entries, row) =>
    entries.forEach(({ latent }, i) => {
      for (let word = proposers[row][i]; word > 0; word = Math.floor(word / 2)) {
        grad[latent] += (word % 2) * dz[row][i];
      }
    })
  );
  return grad;
}
