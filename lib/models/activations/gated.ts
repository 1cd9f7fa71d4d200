/**
 * Gated: one score decides whether a latent is active, another how much, with weights in common.
 * Source: architectures spec, section 5.
 * @module
 */
import { GATED_PARAMETERS, gatedCoder } from "../../blocks/gates/gated.ts";
import { PENALTY_METRICS, penaltyOptions } from "../../blocks/losses/penalty.ts";
import { siteWord } from "../../kernels/common.ts";
import type { InitialValues } from "../types.ts";
import { penaltyOf } from "./penalised.ts";
import type { ActivationPart } from "./types.ts";

/** e^r of every latent, in float64. */
function gains(values: InitialValues): Float64Array {
  return Float64Array.from(values.get("r_mag") as Float32Array, Math.exp);
}

/** The activation. */
export const gatedActivation: ActivationPart = {
  name: "gated",
  doc: "u = (x - b) W_encᵀ; f = ReLU(e^r u + b_mag) where u + b_gate > 0",
  coder: ({ gpu, space }, encoder) => gatedCoder(gpu, space, encoder),
  penalty: (context, coder) =>
    penaltyOf(
      context,
      coder,
      context.options.penalty ?? penaltyOptions({ name: "l1", coefficient: 1 }),
    ),
  metrics: [...PENALTY_METRICS, { name: "loss/gate", word: siteWord(1, "weighted") }],
  // A bias that an encoder would begin with goes into both scores.
  initial({ dSae }, _seed, _facts, values) {
    const bias = values.get("b_enc") ?? new Float32Array(dSae);
    return new Map(
      GATED_PARAMETERS.map((
        name,
      ) => [name, name === "r_mag" ? new Float32Array(dSae) : bias.slice()]),
    );
  },
  // The same function as JumpReLU: π > 0 is u > -b_gate, and q = e^r u + b_mag grows with u.
  record(_options, values) {
    const gain = gains(values);
    const bGate = values.get("b_gate") as Float32Array;
    const bMag = values.get("b_mag") as Float32Array;
    return { name: "jumprelu", threshold: bMag.map((b, l) => b - gain[l] * bGate[l]) };
  },
  fields({ dIn }, values) {
    const gain = gains(values);
    const wEnc = values.get("W_enc") as Float32Array;
    return {
      wEnc: wEnc.map((w, i) => gain[Math.floor(i / dIn)] * w),
      bEnc: values.get("b_mag") as Float32Array,
      gateByDecoderNorm: false,
    };
  },
};
