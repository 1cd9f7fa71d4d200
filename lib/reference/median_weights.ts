/**
 * Weights of Weiszfeld's iteration towards the geometric median.
 * @module
 */
import type { Matrix } from "./types.ts";

/** `1 / max(|x[r] - median|, 1e-6)`. */
export function medianWeights(x: Matrix, median: Float64Array): Float64Array {
  return Float64Array.from(x, (row) => {
    let square = 0;
    for (let c = 0; c < row.length; c++) square += (row[c] - median[c]) ** 2;
    return 1 / Math.max(Math.sqrt(square), 1e-6);
  });
}
