/**
 * Adam with bias correction, from the formula of Kingma and Ba (2015).
 * @module
 */

/** A parameter with its moments. */
export interface AdamState {
  /** Values. */
  parameter: Float64Array;
  /** Running mean of the gradient. */
  moment1: Float64Array;
  /** Running mean of its square. */
  moment2: Float64Array;
}

/** Numbers of one step. */
export interface AdamStep {
  /** Number of this step, from 1. */
  t: number;
  /** Learning rate. */
  lr: number;
  /** Decay of the first moment. */
  beta1: number;
  /** Decay of the second moment. */
  beta2: number;
  /** Added to the root. */
  eps: number;
  /** Factor of the gradient, from clipping. */
  clip: number;
}

/** The state after a step along `grad`. */
export function adam(state: AdamState, grad: Float64Array, step: AdamStep): AdamState {
  const { t, lr, beta1, beta2, eps, clip } = step;
  const g = grad.map((v) => v * clip);
  const moment1 = state.moment1.map((m, i) => beta1 * m + (1 - beta1) * g[i]);
  const moment2 = state.moment2.map((v, i) => beta2 * v + (1 - beta2) * g[i] ** 2);
  const parameter = state.parameter.map((p, i) => {
    const mean = moment1[i] / (1 - beta1 ** t);
    const square = moment2[i] / (1 - beta2 ** t);
    return p - lr * mean / (Math.sqrt(square) + eps);
  });
  return { parameter, moment1, moment2 };
}
