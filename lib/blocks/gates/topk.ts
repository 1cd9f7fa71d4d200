/**
 * The TopK gate: the k largest scores of each row, then ReLU; ties to the lowest latent.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import { createCodeByRow } from "../../kernels/code.ts";
import { createRunningBest, topkMerge } from "../../kernels/topk_merge.ts";
import { topkFinish } from "../../kernels/topk_finish.ts";
import type { Gate } from "../types.ts";

/** Where a gate's numbers come from. */
export interface TopkGateOptions {
  /** Rows of a batch. */
  rows: number;
  /** Largest k of the whole run. */
  kMax: number;
  /** The buffer `step` (its word k), or one like it. */
  step: GPUBuffer;
  /** u32: upper bound of the latent numbers. */
  count: GPUBuffer;
  /** u32: latents behind the numbers of the panels, when they are places in a list. */
  map?: GPUBuffer;
}

/** Makes the gate. */
export function topkGate(gpu: Gpu, options: TopkGateOptions): Gate {
  const { rows, kMax, step, count, map } = options;
  const best = createRunningBest(gpu, rows, kMax);
  const code = createCodeByRow(gpu, rows, kMax);
  const scratch = createBuffer(gpu, rows * code.capacity * 8, "sort scratch");
  return {
    scope: "row",
    codes: [{ code, weight: 1, trainsDecoder: true }],
    parameters: [],
    state: [],
    forward: (panels) => ({
      panels: panels.map((panel) => [
        ...panel.commands,
        topkMerge.record(gpu, {
          best,
          scores: panel.scores,
          panel: panel.panel,
          width: panel.panel,
          firstLatent: panel.firstLatent,
          latents: panel.firstLatent + panel.latents,
          count,
          step,
        }),
      ]),
      finish: [topkFinish.record(gpu, { best, code, scratch, map })],
    }),
  };
}
