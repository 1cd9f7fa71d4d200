/**
 * Gradients of a gated coder from the derivatives by its values q = e^r u + b_mag.
 * @module
 */
import type { Code, EntryNumbers } from "./types.ts";

/** Gradients by latent, and the derivative by the score u of every entry. */
export interface GatedGradient {
  /** [latents]. */
  r: Float64Array;
  /** [latents]. */
  bMag: Float64Array;
  /** `e^r dq`. */
  du: EntryNumbers;
}

/** The chain rule, entry by entry. */
export function gatedGradient(
  code: Code,
  dq: EntryNumbers,
  r: ArrayLike<number>,
  bMag: ArrayLike<number>,
): GatedGradient {
  const grad = { r: new Float64Array(r.length), bMag: new Float64Array(r.length) };
  const du = code.map((row, b) =>
    row.map(({ latent, value }, i) => {
      grad.bMag[latent] += dq[b][i];
      grad.r[latent] += dq[b][i] * (value - bMag[latent]);
      return Math.exp(r[latent]) * dq[b][i];
    })
  );
  return { ...grad, du };
}
