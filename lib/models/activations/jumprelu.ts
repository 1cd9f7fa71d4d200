/**
 * JumpReLU: scores above a trained threshold. Source: architectures spec, section 4.
 * @module
 */
import {
  jumpreluCoder,
  type ThresholdOptions,
  thresholdOptions,
} from "../../blocks/gates/jumprelu.ts";
import { PENALTY_METRICS, penaltyOptions } from "../../blocks/losses/penalty.ts";
import { PRE_ACT_METRICS } from "../../blocks/losses/pre_act.ts";
import { decoderNorms } from "../../blocks/norms/decoder_norms.ts";
import type { PartsContext } from "../assembly.ts";
import { quantileBias } from "../initial_bias.ts";
import type { ModelOptions } from "../types.ts";
import { penaltyOf } from "./penalised.ts";
import type { ActivationPart } from "./types.ts";

function thresholdsOf({ thresholds }: ModelOptions): ThresholdOptions {
  return thresholds ?? thresholdOptions();
}

/** Decoder norms, where scores times them are compared and they are not all one. */
function normsOf({ gpu, options, wDec, norms }: PartsContext) {
  if (!options.gateByDecoderNorm || wDec.unitRows) return undefined;
  return norms ?? decoderNorms(gpu, wDec);
}

/** The activation. */
export const jumpreluActivation: ActivationPart = {
  name: "jumprelu",
  doc: "f = h where h > θ, a trained threshold for each latent",
  coder(context, encoder) {
    const { gpu, space, options } = context;
    return jumpreluCoder(gpu, space, encoder, {
      ...thresholdsOf(options),
      latents: options.dSae,
      norms: normsOf(context),
    });
  },
  penalty: (context, coder) =>
    penaltyOf(
      context,
      coder,
      context.options.penalty ?? penaltyOptions({ name: "tanh", coefficient: 10 }),
    ),
  metrics: [...PENALTY_METRICS, ...PRE_ACT_METRICS],
  initial(options, _seed, facts, values) {
    const { initial, log, biasFromData } = thresholdsOf(options);
    const theta = new Float32Array(options.dSae).fill(log ? Math.log(initial) : initial);
    const first = new Map<string, Float32Array>([[log ? "log_threshold" : "threshold", theta]]);
    const bias = biasFromData && values.has("W_enc") && values.has("b_enc")
      ? quantileBias(options, facts, values.get("W_enc")!, initial)
      : undefined;
    return bias ? first.set("b_enc", bias) : first;
  },
  record: (_options, values) => {
    const log = values.get("log_threshold");
    const threshold = log ? log.map(Math.exp) : values.get("threshold") as Float32Array;
    return { name: "jumprelu", threshold };
  },
};
