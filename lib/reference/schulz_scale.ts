/**
 * The factor that brings a matrix to a Frobenius norm of at most 1.
 * @module
 */

/** `1 / (‖m‖ + 1e-7)`, from sums of squares. */
export function schulzScale(squares: Float64Array): number {
  return 1 / (Math.sqrt(squares.reduce((sum, v) => sum + v, 0)) + 1e-7);
}
