/**
 * The loss of nested prefixes: a weighted sum of the losses that each has on its own.
 * @module
 */

/** What the prefixes have lost. */
export interface PrefixScalars {
  /** Fraction of variance that each leaves unexplained, 0 where the variance is below 1e-12. */
  fvu: number[];
  /** `Σ_g weights[g] · loss_g`. */
  loss: number;
}

/**
 * Conclusions from squared errors.
 * @param squares sums of the squared residuals of each prefix
 * @param spread sum of squared distances of the target from its mean
 * @param factor factor of the squares in the loss; the loss is the FVU where it is absent
 */
export function prefixScalars(
  squares: readonly number[],
  weights: readonly number[],
  spread: number,
  factor?: number,
): PrefixScalars {
  const fvu = squares.map((square) => spread > 1e-12 ? square / spread : 0);
  const losses = factor === undefined ? fvu : squares.map((square) => factor * square);
  return { fvu, loss: losses.reduce((sum, loss, g) => sum + weights[g] * loss, 0) };
}
