/**
 * ReLU: every positive score. Source: architectures spec, section 1.
 * @module
 */
import { panelCoder } from "../../blocks/coders/panels.ts";
import { thresholdGate } from "../../blocks/gates/emit.ts";
import { PENALTY_METRICS, penaltyOptions } from "../../blocks/losses/penalty.ts";
import { createCount } from "../../kernels/common.ts";
import { penaltyOf } from "./penalised.ts";
import type { ActivationPart } from "./types.ts";

/** The activation. */
export const reluActivation: ActivationPart = {
  name: "relu",
  doc: "f = ReLU(h)",
  coder: ({ gpu, options: { rows, dSae }, space }, encoder) =>
    panelCoder(
      encoder,
      thresholdGate(gpu, {
        rows,
        latents: dSae,
        count: createCount(gpu, dSae),
        scalars: space.scalars,
      }),
    ),
  penalty: (context, coder) =>
    penaltyOf(context, coder, context.options.penalty ?? penaltyOptions()),
  metrics: PENALTY_METRICS,
  record: () => ({ name: "relu" }),
};
