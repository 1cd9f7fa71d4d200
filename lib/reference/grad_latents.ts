/**
 * Gradients of latent-major matrices from a code.
 * @module
 */
import { type Code, type EntryNumbers, type Matrix, zeros } from "./types.ts";

/** A gradient [latents, d] and the sum of the weights of each latent. */
export interface LatentGradients {
  /** `Σ weight · rows[r]` over the entries of a latent. */
  grad: Matrix;
  /** `Σ weight` over them: the gradient of b_enc when the weights are derivatives by the entries. */
  gradBias: Float64Array;
}

/**
 * Sums `weights[entry] · rows[row of the entry]` for every latent. With the entries' values and the derivatives by the
 * reconstruction it is the gradient of W_dec, with the derivatives by the entries and the encoder's input that of W_enc.
 */
export function gradLatents(
  code: Code,
  weights: EntryNumbers,
  rows: Matrix,
  latents: number,
): LatentGradients {
  const grad = zeros(latents, rows[0].length);
  const gradBias = new Float64Array(latents);
  code.forEach((entries, r) =>
    entries.forEach(({ latent }, i) => {
      gradBias[latent] += weights[r][i];
      for (let c = 0; c < rows[r].length; c++) grad[latent][c] += weights[r][i] * rows[r][c];
    })
  );
  return { grad, gradBias };
}
