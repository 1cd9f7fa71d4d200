/**
 * The momentum of Muon (Jordan et al. 2024).
 * @module
 */

/** The momentum after a gradient, and Nesterov's look ahead. */
export function muonMomentum(
  before: Float64Array,
  grad: Float64Array,
  beta: number,
): { momentum: Float64Array; u: Float64Array } {
  const momentum = before.map((m, i) => beta * m + (1 - beta) * grad[i]);
  return { momentum, u: momentum.map((m, i) => (1 - beta) * grad[i] + beta * m) };
}
