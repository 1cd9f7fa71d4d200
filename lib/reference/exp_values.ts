/**
 * Exponentials.
 * @module
 */

/** `e^v` of every value. */
export function expValues(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values, Math.exp);
}
