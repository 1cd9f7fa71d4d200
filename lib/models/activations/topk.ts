/**
 * TopK: the k largest scores of each row, then ReLU; ties to the lowest latent. Source: architectures spec, section 2.
 * @module
 */
import { panelCoder } from "../../blocks/coders/panels.ts";
import { SCREEN_AXES, screenedCoder } from "../../blocks/coders/screened.ts";
import { multiTopkGate, topkGate } from "../../blocks/gates/topk.ts";
import { createCount } from "../../kernels/common.ts";
import { screenAxes } from "../principal_axes.ts";
import { byNorm } from "./by_norm.ts";
import type { ActivationPart } from "./types.ts";

/** The activation. */
export const topkActivation: ActivationPart = {
  name: "topk",
  doc: "f = ReLU(the k largest h of each row)",
  coder(context, encoder) {
    const { gpu, options, space } = context;
    const { screen, kMax, multiTopk, gateByDecoderNorm } = options;
    if (screen) {
      if (multiTopk || (gateByDecoderNorm && !context.wDec.unitRows)) {
        throw new RangeError("Cannot screen: one code of k plain scores is needed");
      }
      return screenedCoder(gpu, space, encoder, { ...screen, kMax });
    }
    const gate = (options.multiTopk ? multiTopkGate : topkGate)(gpu, {
      rows: options.rows,
      kMax: options.kMax,
      step: space.step,
      count: createCount(gpu, options.dSae),
    });
    return panelCoder(encoder, byNorm(context, gate));
  },
  initial: (options, _seed, facts) =>
    new Map(options.screen ? [[SCREEN_AXES, screenAxes(options, options.screen, facts)]] : []),
  record: ({ k }) => ({ name: "topk", k }),
};
