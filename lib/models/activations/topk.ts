/**
 * TopK: the k largest scores of each row, then ReLU; ties to the lowest latent. Source: architectures spec, section 2.
 * @module
 */
import { panelCoder } from "../../blocks/coders/panels.ts";
import { multiTopkGate, topkGate } from "../../blocks/gates/topk.ts";
import { createCount } from "../../kernels/common.ts";
import { byNorm } from "./by_norm.ts";
import type { ActivationPart } from "./types.ts";

/** The activation. */
export const topkActivation: ActivationPart = {
  name: "topk",
  doc: "f = ReLU(the k largest h of each row)",
  coder(context, encoder) {
    const { gpu, options, space } = context;
    const gate = (options.multiTopk ? multiTopkGate : topkGate)(gpu, {
      rows: options.rows,
      kMax: options.kMax,
      step: space.step,
      count: createCount(gpu, options.dSae),
    });
    return panelCoder(encoder, byNorm(context, gate));
  },
  record: ({ k }) => ({ name: "topk", k }),
};
