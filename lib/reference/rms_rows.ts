/**
 * RMS norm of one head.
 * @module
 */

/** `w · x / sqrt(mean(x²) + eps)`. */
export function rmsRows(x: Float64Array, w: Float64Array, eps: number): Float64Array {
  const scale = scaleOf(x, eps);
  return x.map((v, i) => v * scale * w[i]);
}

/** Derivatives by `x` and by `w` from the derivative `g` by the output. */
export function rmsRowsBackward(
  x: Float64Array,
  w: Float64Array,
  g: Float64Array,
  eps: number,
): { x: Float64Array; w: Float64Array } {
  const scale = scaleOf(x, eps);
  const mean = x.reduce((sum, v, i) => sum + g[i] * w[i] * v * scale, 0) / x.length;
  return {
    x: x.map((v, i) => scale * (g[i] * w[i] - v * scale * mean)),
    w: x.map((v, i) => g[i] * v * scale),
  };
}

function scaleOf(x: Float64Array, eps: number): number {
  return 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + eps);
}
