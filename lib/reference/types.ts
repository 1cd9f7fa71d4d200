/**
 * What the float64 references compute with: plain rows, and codes as lists of entries.
 * @module
 */

/** Rows of numbers; latent-major where the rows are latents. */
export type Matrix = readonly Float64Array[];

/** An active latent of a row. */
export interface Entry {
  /** Number of the latent. */
  readonly latent: number;
  /** Its activation. */
  readonly value: number;
}

/** The active latents of every row, ascending. */
export type Code = readonly (readonly Entry[])[];

/** One number for every entry of a code, in the same places. */
export type EntryNumbers = readonly (readonly number[])[];

/** A zero matrix. */
export function zeros(rows: number, cols: number): Float64Array[] {
  return Array.from({ length: rows }, () => new Float64Array(cols));
}

/** Sum of products of two rows. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
