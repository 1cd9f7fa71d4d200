/**
 * Derivative of the loss by every entry of a code.
 * @module
 */
import { type Code, dot, type EntryNumbers, type Matrix } from "./types.ts";

/**
 * By the chain rule through `ŷ[r] = Σ value · w[latent]`, with the derivative by ŷ[r] given as `scale · residual[r]`.
 */
export function codeGradient(
  code: Code,
  w: Matrix,
  residual: Matrix,
  scale: number,
): EntryNumbers {
  return code.map((entries, r) => entries.map((e) => scale * dot(w[e.latent], residual[r])));
}
