/**
 * The encoder: a score for every row and latent.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** `scores[r][l] = x[r] · w[l] + bias[l]`. */
export function encodeGemm(x: Matrix, w: Matrix, bias: Float64Array): Matrix {
  return x.map((row) => Float64Array.from(w, (latent, l) => dot(row, latent) + bias[l]));
}
