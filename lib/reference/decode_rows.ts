/**
 * The decoder: a sum of decoder rows.
 * @module
 */
import { type Code, type Matrix, zeros } from "./types.ts";

/** `ŷ[r] = bias + Σ value · w[latent]` over the entries of row r. */
export function decodeRows(code: Code, w: Matrix, bias?: Float64Array): Matrix {
  const recon = zeros(code.length, w[0].length);
  code.forEach((entries, r) => {
    for (let c = 0; c < w[0].length; c++) {
      recon[r][c] = bias ? bias[c] : 0;
      for (const { latent, value } of entries) recon[r][c] += value * w[latent][c];
    }
  });
  return recon;
}
