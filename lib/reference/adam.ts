/**
 * Adam with bias correction, from the formula of Kingma and Ba (2015), and its relatives.
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
  /** Decoupled weight decay. */
  decay?: number;
  /** Parameters without gradient stay; eps is added to the root that is not corrected. */
  sparse?: boolean;
  /** Values below zero become zero. */
  nonNegative?: boolean;
}

/** The state after a step along `grad`. */
export function adam(state: AdamState, grad: Float64Array, step: AdamStep): AdamState {
  const { t, lr, beta1, beta2, eps, clip, decay = 0, sparse, nonNegative } = step;
  const g = grad.map((v) => v * clip);
  const moment1 = state.moment1.map((m, i) => beta1 * m + (1 - beta1) * g[i]);
  const moment2 = state.moment2.map((v, i) => beta2 * v + (1 - beta2) * g[i] ** 2);
  const correction1 = 1 - beta1 ** t;
  const correction2 = 1 - beta2 ** t;
  const parameter = state.parameter.map((p, i) => {
    const root = sparse
      ? Math.sqrt(moment2[i]) / Math.sqrt(correction2) + eps / Math.sqrt(correction2)
      : Math.sqrt(moment2[i] / correction2) + eps;
    const move = sparse && g[i] === 0 ? 0 : lr * (moment1[i] / correction1) / root;
    const next = p * (1 - lr * decay) - move;
    return nonNegative ? Math.max(0, next) : next;
  });
  return { parameter, moment1, moment2 };
}
