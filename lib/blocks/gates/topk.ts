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
  /** Entries to keep of a row, in units of k; 1 when absent. */
  times?: number;
  /** Weight of the reconstruction loss of its code; 1 when absent. */
  weight?: number;
}

/** Makes the gate. */
export function topkGate(gpu: Gpu, options: TopkGateOptions): Gate {
  const { rows, kMax, step, count, map, times = 1, weight = 1 } = options;
  const best = createRunningBest(gpu, rows, times * kMax);
  const code = createCodeByRow(gpu, rows, times * kMax);
  const scratch = createBuffer(gpu, rows * code.capacity * 8, "sort scratch");
  return {
    scope: "row",
    codes: [{ code, weight, trainsDecoder: true }],
    parameters: [],
    state: [],
    forward: (panels) => ({
      panels: panels.map((panel) => [
        ...panel.commands(),
        topkMerge.record(gpu, {
          best,
          scores: panel.scores,
          panel: panel.panel,
          width: panel.panel,
          firstLatent: panel.firstLatent,
          latents: panel.firstLatent + panel.latents,
          count,
          step,
          times,
        }),
      ]),
      finish: [topkFinish.record(gpu, { best, code, scratch, map })],
    }),
  };
}

/** Latents of the second code of multi-TopK, in units of k. */
const MULTI_TIMES = 4;

/**
 * Multi-TopK: a second code of the 4 k largest scores, whose reconstruction adds an eighth of its loss,
 * `L = L(k) + L(4k) / 8`; the model's code stays that of k. Each code has a selection of its own over the same panels.
 * Source: architectures spec, section 2.
 */
export function multiTopkGate(gpu: Gpu, options: TopkGateOptions): Gate {
  const one = topkGate(gpu, options);
  const four = topkGate(gpu, { ...options, times: MULTI_TIMES, weight: 1 / 8 });
  return {
    ...one,
    codes: [...one.codes, ...four.codes],
    forward(panels) {
      const first = one.forward(panels);
      // The scores are there already.
      const second = four.forward(panels.map((panel) => ({ ...panel, commands: () => [] })));
      return {
        panels: first.panels.map((commands, i) => [...commands, ...second.panels[i]]),
        finish: [...first.finish, ...second.finish],
      };
    },
  };
}
