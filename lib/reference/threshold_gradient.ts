/**
 * JumpReLU with the pseudo-derivatives of the rectangle kernel, and the gradient of thresholds.
 * @module
 */
import type { Code, EntryNumbers } from "./types.ts";

/** A score's activation and its derivatives; R is 1 within `window` / 2 of the threshold and for scores above 0. */
export interface Jump {
  /** h where h > θ and h > 0, else 0. */
  f: number;
  /** ∂f/∂h: 1 where active. */
  dfByScore: number;
  /** ∂f/∂θ = -(θ / window) R. */
  dfByThreshold: number;
  /** ∂1[h > θ]/∂θ = -(1 / window) R. */
  dStepByThreshold: number;
}

/** One score. Source: architectures spec, section 4.1. */
export function jump(h: number, theta: number, window: number): Jump {
  const active = h > theta && h > 0;
  const near = h > 0 && Math.abs(h - theta) < window / 2 ? 1 : 0;
  return {
    f: active ? h : 0,
    dfByScore: active ? 1 : 0,
    dfByThreshold: -(theta / window) * near,
    dStepByThreshold: -(1 / window) * near,
  };
}

/** Gradients of thresholds, and what scores get from the kernel where it is let through to them. */
export interface ThresholdGradient {
  /** [latents]. */
  grad: Float64Array;
  /** Derivative by the score of every entry of the window. */
  toInput: EntryNumbers;
}

/**
 * Sums over the window's entries.
 * @param window the entries near the thresholds
 * @param dz derivative of the loss by f of each
 * @param options `step` is the coefficient of the mean number of active latents, `norms` divide f's share, `log` says
 * that the gradient is by the logarithm of θ
 */
export function thresholdGradient(
  window: Code,
  dz: EntryNumbers,
  thresholds: ArrayLike<number>,
  options: { window: number; step?: number; norms?: ArrayLike<number>; log?: boolean },
): ThresholdGradient {
  const { step = 0, norms, log = false } = options;
  const grad = new Float64Array(thresholds.length);
  const toInput = window.map((row, r) =>
    row.map(({ latent }, i) => {
      const theta = thresholds[latent];
      const norm = norms?.[latent] ?? 1;
      const push = step / window.length / options.window;
      const chain = log ? theta : 1;
      grad[latent] -= chain * (theta / options.window / norm * dz[r][i] + push);
      return theta / options.window * dz[r][i] + push * norm;
    })
  );
  return { grad, toInput };
}
