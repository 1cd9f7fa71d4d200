/**
 * The fraction of variance unexplained, as a loss.
 * @module
 */
import { columnSums } from "./column_sums.ts";
import type { Matrix } from "./types.ts";

/** A loss and what its gradient needs. */
export interface LossScalars {
  /** `Σ|y - ŷ|² / Σ|y - ȳ|²`, 0 where the denominator is below 1e-12. */
  loss: number;
  /** The numerator. */
  squaredError: number;
  /** The denominator, which counts as data. */
  spread: number;
  /** The derivative of the loss by ŷ is `scale · (y - ŷ)`. */
  scale: number;
}

/** The loss of a reconstruction `recon` of `target`, ȳ being the mean of the target's rows. */
export function lossScalars(target: Matrix, recon: Matrix): LossScalars {
  const mean = columnSums(target).map((sum) => sum / target.length);
  let squaredError = 0;
  let spread = 0;
  target.forEach((row, r) =>
    row.forEach((y, c) => {
      squaredError += (y - recon[r][c]) ** 2;
      spread += (y - mean[c]) ** 2;
    })
  );
  const sound = spread > 1e-12;
  return {
    loss: sound ? squaredError / spread : 0,
    squaredError,
    spread,
    scale: sound ? -2 / spread : 0,
  };
}
