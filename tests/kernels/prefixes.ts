/**
 * Prefixes for the awkward codes: bounds repeat, are 0, and lie inside and on the edges of buffers (64 rows when split).
 * @module
 */
import type { PrefixTable } from "../../lib/kernels/prefix_table.ts";
import { type Bench, bitsOf } from "./bench.ts";

/** Bounds for `awkwardCodes()`, in their order. */
const BOUNDS: readonly (readonly number[])[] = [
  [0, 0, 1, 1, 1],
  [5],
  [1, 63, 64, 65, 131],
  [0, 2, 2, 69, 70],
  [64, 128, 177, 178, 300],
  [3, 64, 192, 259, 260],
  [0, 1, 2, 3, 3],
];

/** Bounds for code `i` of `awkwardCodes()`; the last is the number of its latents. */
export function boundsFor(i: number, latents: number): readonly number[] {
  const [a, b] = [Math.floor(latents / 5), Math.floor(latents / 2)];
  return BOUNDS[i] ?? [1, a, b, b + 1, latents];
}

/** A table of bounds and weights that kernels may only read. */
export function prefixTable(
  bench: Bench,
  bounds: readonly number[],
  weights: readonly number[] = bounds.map(() => 1),
): PrefixTable {
  const words = bounds.flatMap((bound, g) => [bound, bitsOf([weights[g]])[0]]);
  return { prefixes: bounds.length, buffer: bench.words("table", words) };
}
