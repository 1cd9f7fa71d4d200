/**
 * The check that every activation is a finite number.
 * @module
 */

/** The first row of a matrix [rows, d] that holds NaN or an infinity, or -1. */
export function badRow(values: Float32Array, d: number): number {
  for (let start = 0, row = 0; start < values.length; start += d, row++) {
    let sum = 0;
    // Zero times a finite number is zero, times NaN or an infinity it is NaN.
    for (let i = start; i < start + d; i++) sum += values[i] * 0;
    if (sum !== 0) return row;
  }
  return -1;
}

/** `NaN in dimension 7` for the first value of a row that is not finite. */
export function describeBadValue(values: Float32Array, d: number, row: number): string {
  const own = values.subarray(row * d, (row + 1) * d);
  const dimension = own.findIndex((value) => !Number.isFinite(value));
  return `${own[dimension]} in dimension ${dimension}`;
}
