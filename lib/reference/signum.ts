/**
 * Sign descent under a schedule-free average.
 * @module
 */

/** A parameter with what it is averaged from. */
export interface SignumState {
  /** Where gradients are taken. */
  y: Float64Array;
  /** What descends. */
  z: Float64Array;
  /** The average. */
  x: Float64Array;
}

/** `beta · x + (1 - beta) · z`. */
export function blend({ z, x }: Pick<SignumState, "z" | "x">, beta: number): Float64Array {
  return x.map((v, i) => beta * v + (1 - beta) * z[i]);
}

/** The state after a step of `lr`, whose share in the average is `share`. */
export function signum(
  { z, x }: SignumState,
  grad: Float64Array,
  { lr, share, beta, nonNegative }: {
    lr: number;
    share: number;
    beta: number;
    nonNegative?: boolean;
  },
): SignumState {
  const low = z.map((v, i) => {
    const next = v - lr * Math.sign(grad[i]);
    return nonNegative ? Math.max(0, next) : next;
  });
  const mean = x.map((v, i) => (1 - share) * v + share * low[i]);
  return { y: blend({ z: low, x: mean }, beta), z: low, x: mean };
}
