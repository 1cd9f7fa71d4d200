/**
 * One step of Weiszfeld's iteration: the weighted mean.
 * @module
 */
import { columnSums } from "./column_sums.ts";
import type { Matrix } from "./types.ts";

/** The weighted mean of the rows, and its distance from `median`. */
export function medianUpdate(
  x: Matrix,
  weights: Float64Array,
  median: Float64Array,
): { median: Float64Array; moved: number } {
  let total = 0;
  for (const weight of weights) total += weight;
  const next = columnSums(x, weights).map((sum) => sum / total);
  const moved = Math.sqrt(next.reduce((sum, v, c) => sum + (v - median[c]) ** 2, 0));
  return { median: next, moved };
}
