/**
 * Derivative by what groups of latents read.
 * @module
 */
import { type Code, type EntryNumbers, type Matrix, zeros } from "./types.ts";

/** `out[g][r] = Σ dz · w[latent]` over the entries of row r whose latent is one of group g's `size`. */
export function decodeGroups(
  code: Code,
  dz: EntryNumbers,
  w: Matrix,
  size: number,
  groups: number,
): Matrix[] {
  const out = Array.from({ length: groups }, () => zeros(code.length, w[0].length));
  code.forEach((entries, r) =>
    entries.forEach(({ latent }, i) => {
      const row = out[Math.floor(latent / size)][r];
      for (let c = 0; c < row.length; c++) row[c] += dz[r][i] * w[latent][c];
    })
  );
  return out;
}
