/**
 * Gradient of a decoder bias that may also be taken from the encoder's input.
 * @module
 */
import type { Matrix } from "./types.ts";

/** The bias's second role: what the encoder saw was less by it. */
export interface EncoderRole {
  /** Gradient of b_enc [latents]. */
  gradBias: Float64Array;
  /** Encoder rows [latents, d]. */
  wEnc: Matrix;
}

/**
 * Of `loss(ŷ)` with `ŷ = … + b` and, in the second role, `h = (x - b) W_encᵀ + b_enc`:
 * the derivative of the loss by ŷ summed over rows, less the derivative by b_enc through the encoder rows.
 * @param residual target less reconstruction
 * @param scale derivative of the loss by ŷ is `scale · residual`
 */
export function biasGradient(residual: Matrix, scale: number, encoder?: EncoderRole): Float64Array {
  const grad = new Float64Array(residual[0].length);
  for (let c = 0; c < grad.length; c++) {
    for (const row of residual) grad[c] += scale * row[c];
    encoder?.wEnc.forEach((w, latent) => grad[c] -= encoder.gradBias[latent] * w[c]);
  }
  return grad;
}
