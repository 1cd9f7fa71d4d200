/**
 * Derivatives by the sub-key scores from those by the entries of a code.
 * @module
 */
import { type Code, type EntryNumbers, type Matrix, zeros } from "./types.ts";

/**
 * An entry passes its derivative to both of its scores, in every head that proposed it.
 * @param proposers bit h of an entry's word: head h proposed it
 * @returns [rows, heads · (m1 + m2)]
 */
export function pkmGradient(
  code: Code,
  dz: EntryNumbers,
  proposers: EntryNumbers,
  { m1, m2, heads }: { m1: number; m2: number; heads: number },
): Matrix {
  const grad = zeros(code.length, heads * (m1 + m2));
  code.forEach((entries, row) =>
    entries.forEach(({ latent }, i) => {
      for (let head = 0; head < heads; head++) {
        if (Math.floor(proposers[row][i] / 2 ** head) % 2 === 0) continue;
        grad[row][head * (m1 + m2) + Math.floor(latent / m2)] += dz[row][i];
        grad[row][head * (m1 + m2) + m1 + latent % m2] += dz[row][i];
      }
    })
  );
  return grad;
}
