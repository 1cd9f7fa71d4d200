/**
 * Sums of next-token losses in float64, and the metrics that are made of them.
 * @module
 */
import type { SplicedRun } from "../onnx/splice_types.ts";
import { type Measured, measured } from "./definitions.ts";
import { DOWNSTREAM_DEFINITIONS } from "./downstream_definitions.ts";

/** Losses added up over tokens. */
export interface LossSum {
  /** Σ of cross-entropies of next tokens. */
  ce: number;
  /** Tokens in it: those that count and have a next one. */
  ceTokens: number;
  /** Σ of KL divergences. */
  kl: number;
  /** Tokens in it: those that count. */
  klTokens: number;
}

/** Nothing yet. */
export function emptyLossSum(): LossSum {
  return { ce: 0, ceTokens: 0, kl: 0, klTokens: 0 };
}

/**
 * Adds a run of contexts of `length` tokens. The mask bit of a position decides about its loss, which is that of the next
 * token; the last position of a context has none, only a divergence.
 */
export function addLosses(
  sum: LossSum,
  { ce, kl }: SplicedRun,
  mask: Float32Array,
  length: number,
): void {
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    sum.kl += kl[i];
    sum.klTokens++;
    if ((i + 1) % length === 0) continue;
    sum.ce += ce[i];
    sum.ceTokens++;
  }
}

/** Sums of all runs over the same tokens. */
export interface DownstreamSums {
  /** As the model is. */
  clean: LossSum;
  /** With the reconstruction. */
  sae: LossSum;
  /** With zero. */
  zero: LossSum;
  /** With the mean. */
  mean: LossSum;
  /** With the reconstructions of one layer after another, of several. */
  running?: LossSum;
  /** With the reconstruction of one layer alone, of several. */
  layers: LossSum[];
}

/** Share of a gap that is closed; NaN where there is no gap. */
export function recovered(worst: number, found: number, best: number): number {
  return worst > best ? (worst - found) / (worst - best) : NaN;
}

/** The metrics of the sums. */
export function downstreamFigures(sums: DownstreamSums): Measured[] {
  const ce = (sum: LossSum) => sum.ce / sum.ceTokens;
  const kl = (sum: LossSum) => sum.kl / sum.klTokens;
  const { clean, sae, zero, mean, running, layers } = sums;
  const figure = (name: string, value: number) =>
    measured(`model/${name}`, value, DOWNSTREAM_DEFINITIONS);
  return [
    figure("ce_loss", ce(clean)),
    figure("ce_loss_with_sae", ce(sae)),
    figure("ce_loss_with_zero", ce(zero)),
    figure("ce_loss_with_mean", ce(mean)),
    figure("ce_loss_score", recovered(ce(zero), ce(sae), ce(clean))),
    figure("loss_recovered_mean", recovered(ce(mean), ce(sae), ce(clean))),
    figure("ce_delta", ce(sae) - ce(clean)),
    figure("recaptured_loss", ce(clean) / ce(sae)),
    figure("kl_div_with_sae", kl(sae)),
    figure("kl_div_with_ablation", kl(zero)),
    figure("kl_div_score", recovered(kl(zero), kl(sae), 0)),
    ...running
      ? [
        figure("ce_loss_with_sae_running", ce(running)),
        figure("ce_loss_score_running", recovered(ce(zero), ce(running), ce(clean))),
      ]
      : [],
    ...layers.map((sum, l) => ({
      ...figure("ce_loss_with_sae_layer", ce(sum)),
      name: `model/ce_loss_with_sae_layer_${l}`,
    })),
    figure("tokens_eval_reconstruction", clean.ceTokens),
  ];
}
