/**
 * The pre-activation loss and its gradients, pair by pair over the dense scores.
 * @module
 */
import { type Matrix, zeros } from "./types.ts";

/** The loss and its derivatives by scores, thresholds and norms. */
export interface PreAct {
  /** λ / B Σ ReLU(θ - h) norm; with `scaled` λ / B Σ ReLU(θ - h norm). */
  loss: number;
  /** Like the scores. */
  byScore: Matrix;
  /** [latents]. */
  byThreshold: Float64Array;
  /** [latents]. */
  byNorm: Float64Array;
}

/**
 * Source: architectures spec, section 4.4. Nothing comes from θ = h.
 * @param takesPart which latents count; all when absent
 */
export function preActGradient(
  scores: Matrix,
  thresholds: ArrayLike<number>,
  norms: ArrayLike<number>,
  options: { lambda: number; scaled: boolean; takesPart?: (latent: number) => boolean },
): PreAct {
  const { lambda, scaled, takesPart = () => true } = options;
  const share = lambda / scores.length;
  const byScore = zeros(scores.length, thresholds.length);
  const byThreshold = new Float64Array(thresholds.length);
  const byNorm = new Float64Array(thresholds.length);
  let loss = 0;
  scores.forEach((row, r) =>
    row.forEach((h, l) => {
      const lacks = thresholds[l] - (scaled ? h * norms[l] : h);
      if (lacks <= 0 || !takesPart(l)) return;
      loss += share * lacks * (scaled ? 1 : norms[l]);
      byScore[r][l] = -share * norms[l];
      byThreshold[l] += share * (scaled ? 1 : norms[l]);
      byNorm[l] += share * (scaled ? -h : lacks);
    })
  );
  return { loss, byScore, byThreshold, byNorm };
}
