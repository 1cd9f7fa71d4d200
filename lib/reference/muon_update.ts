/**
 * The step of a parameter along Muon's direction.
 * @module
 */

/** `p · (1 - lr · decay) - lr · factor · direction`. */
export function muonUpdate(
  parameter: Float64Array,
  direction: Float64Array,
  { lr, decay, factor }: { lr: number; decay: number; factor: number },
): Float64Array {
  return parameter.map((p, i) => p * (1 - lr * decay) - lr * factor * direction[i]);
}
