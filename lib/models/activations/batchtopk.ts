/**
 * BatchTopK: the k · rows largest positive scores of the whole batch, and its two gates by a running threshold.
 * Source: architectures spec, section 3.
 * @module
 */
import { panelCoder } from "../../blocks/coders/panels.ts";
import { batchTopkGate } from "../../blocks/gates/batchtopk.ts";
import { createCount, SCALARS } from "../../kernels/common.ts";
import type { Following } from "../../kernels/radix_pick.ts";
import { BATCH_STATE } from "../../kernels/radix_state.ts";
import type { ModelOptions } from "../types.ts";
import { byNorm } from "./by_norm.ts";
import type { ActivationPart } from "./types.ts";

const FOLLOWING: Readonly<Record<ModelOptions["batchGate"], Following["kind"]>> = {
  select: "average",
  running_quantile: "quantile",
  control: "control",
};

/** The activation. */
export const batchTopkActivation: ActivationPart = {
  name: "batchtopk",
  doc: "f = ReLU(the k · rows largest h of the batch); a threshold stands for them after training",
  coder(context, encoder) {
    const { gpu, options, space } = context;
    const { rows, dSae, batchGate, thresholdEma } = options;
    const gate = batchTopkGate(gpu, {
      rows,
      latents: dSae,
      kMax: options.kMax,
      step: space.step,
      count: createCount(gpu, dSae),
      scalars: space.scalars,
      following: { kind: FOLLOWING[batchGate], rate: 1 - thresholdEma },
    });
    return panelCoder(encoder, byNorm(context, gate));
  },
  metrics: [
    { name: "sparsity/threshold", word: SCALARS.threshold },
    { name: "sparsity/capped_rows", word: SCALARS.cappedRows },
  ],
  record: ({ k }, _values, state) => ({
    name: "batchtopk",
    k,
    threshold: state?.get("batch_threshold")?.[BATCH_STATE.report] ?? 0,
  }),
};
