/**
 * The sum of a vector.
 * @module
 */

/** `Σ values[i · step + first]`. */
export function sumValues(values: ArrayLike<number>, step = 1, first = 0): number {
  let sum = 0;
  for (let i = first; i < values.length; i += step) sum += values[i];
  return sum;
}
