/**
 * Weights of steps in the average of schedule-free training (Defazio et al. 2024): the square of the largest rate so far.
 * @module
 */

/** Share of the newest step in the sum of the weights of all steps, from the learning rates of all steps. */
export function scheduleFree(rates: readonly number[]): number {
  let most = 0;
  let sum = 0;
  for (const rate of rates) {
    most = Math.max(most, rate);
    sum += most ** 2;
  }
  return sum > 0 ? most ** 2 / sum : 0;
}
