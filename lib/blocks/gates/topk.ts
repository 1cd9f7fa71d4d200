/**
 * The TopK gate: the k largest scores of each row, then ReLU; ties to the lowest latent.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { type CodeByRow, createCodeByRow } from "../../kernels/code.ts";
import { createRunningBest, topkMerge } from "../../kernels/topk_merge.ts";
import { topkFinish } from "../../kernels/topk_finish.ts";
import type { GateScope } from "../types.ts";
import type { ScorePanel } from "../encoders/dense.ts";

/** A gate that chooses within a row. */
export interface TopkGate {
  /** It looks at one row at a time. */
  readonly scope: GateScope;
  /** The code that it writes. */
  readonly code: CodeByRow;
  /** Scores and merges every panel, then finishes the code. */
  forward(panels: readonly ScorePanel[]): Selection;
}

/** The commands of a selection, apart, so that panels without candidates can be left out. */
export interface Selection {
  /** Score and merge, a list a panel. */
  panels: Command[][];
  /** From the running lists to the code. */
  finish: Command[];
}

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
export function topkGate(gpu: Gpu, options: TopkGateOptions): TopkGate {
  const { rows, kMax, step, count, map } = options;
  const best = createRunningBest(gpu, rows, kMax);
  const code = createCodeByRow(gpu, rows, kMax);
  const scratch = createBuffer(gpu, rows * code.capacity * 8, "sort scratch");
  return {
    scope: "row",
    code,
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
