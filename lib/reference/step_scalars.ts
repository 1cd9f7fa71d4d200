/**
 * Gradient clipping and the numbers that a step reports.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** Length of all gradients together, and the factor that brings it down to `limit` (0: never). */
export function clipFactor(
  gradients: readonly Matrix[],
  limit: number,
): { norm: number; clip: number } {
  let square = 0;
  for (const matrix of gradients) for (const row of matrix) square += dot(row, row);
  const norm = Math.sqrt(square);
  return { norm, clip: limit > 0 && norm > limit ? limit / norm : 1 };
}

/** Mean number of active latents and the loss with its auxiliary part. */
export function stepScalars(
  step: { fvu: number; auxLoss: number; alpha: number; entries: number; rows: number },
): { loss: number; l0: number } {
  return { loss: step.fvu + step.alpha * step.auxLoss, l0: step.entries / step.rows };
}
