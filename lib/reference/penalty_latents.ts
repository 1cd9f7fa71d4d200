/**
 * Sums of a penalty over the rows of every latent.
 * @module
 */
import { type PenaltyForm, slopeOf } from "./penalise_entries.ts";
import type { Code } from "./types.ts";

/** The penalty `tanh_quad` of the batch: Σ over latents of a (1 + a / frequency). */
export function quadPenalty(means: ArrayLike<number>, frequency: number): number {
  return Array.from(means).reduce((sum, a) => sum + a * (1 + a / frequency), 0);
}

/** Derivative of coefficient times the mean penalty by the norm of every latent. */
export function normGradient(
  code: Code,
  form: PenaltyForm,
  options: {
    coefficient: number;
    norms: ArrayLike<number>;
    means?: ArrayLike<number>;
    values: readonly number[];
  },
): Float64Array {
  const { coefficient, norms, means, values } = options;
  const out = new Float64Array(norms.length);
  code.forEach((row, r) =>
    row.forEach(({ latent, value }) => {
      const slope = slopeOf(form, value * norms[latent], values[r], means?.[latent] ?? 0);
      out[latent] += coefficient / code.length * value * slope;
    })
  );
  return out;
}
