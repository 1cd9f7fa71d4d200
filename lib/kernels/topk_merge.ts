/**
 * Merges a panel of scores into the running k largest of each row.
 * @module
 */
import source from "../../shaders/topk_merge.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { roundUp } from "../tensor/shards.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** Running lists of the best scores a row. */
export interface RunningBest {
  /** Rows. */
  rows: number;
  /** Entries of a list, a multiple of 4. */
  capacity: number;
  /** f32 [rows, capacity]. */
  score: GPUBuffer;
  /** u32 [rows, capacity]; 0xffffffff where empty. */
  latent: GPUBuffer;
  /** vec2u [rows]: smallest score of the list and its slot. */
  floors: GPUBuffer;
}

/** What to merge. */
export interface MergeArgs {
  /** Lists to merge into. */
  best: RunningBest;
  /** Panel of scores [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
  /** Latents of the panel that are looked at, a multiple of 4. */
  width: number;
  /** Number of the panel's first latent. */
  firstLatent: number;
  /** Latents in all: the panel's padding beyond is ignored. */
  latents: number;
  /** u32: another upper bound of the latent numbers, known to the GPU only. */
  count: GPUBuffer;
  /** The buffer `step`: word k. */
  step: GPUBuffer;
}

/** Makes empty lists. */
export function createRunningBest(gpu: Gpu, rows: number, k: number): RunningBest {
  const capacity = roundUp(k, 4);
  return {
    rows,
    capacity,
    score: createBuffer(gpu, rows * capacity * 4, "best scores"),
    latent: createBuffer(gpu, rows * capacity * 4, "best latents"),
    floors: createBuffer(gpu, rows * 8, "floors"),
  };
}

/** The running selection. */
export const topkMerge = {
  kernel: defineKernel({
    name: "topk_merge",
    source,
    parts: PARTS,
    buffers: ["scores", "count", "step", "bestScore", "bestLatent", "floors"],
    dims: ["rows", "width4", "firstLatent", "limit", "capacity4", "first"],
  }),

  /** One compare a score; scores once, lists twice. */
  cost({ rows, width, k }: { rows: number; width: number; k: number }): Cost {
    return { flops: rows * width, bytes: 4 * rows * (width + 4 * k) };
  },

  /** One dispatch for one panel; the panel with first latent 0 empties the lists first. */
  record(gpu: Gpu, args: MergeArgs): Dispatch {
    if (args.width !== args.panel) {
      throw new RangeError(
        `Cannot merge a panel: ${args.width} latents wanted, rows have ${args.panel}`,
      );
    }
    return topkMerge.kernel.dispatch(gpu, {
      defines: { K_WORD: STEP.k },
      dims: {
        rows: args.best.rows,
        width4: args.width / 4,
        firstLatent: args.firstLatent,
        limit: args.latents,
        capacity4: args.best.capacity / 4,
        first: args.firstLatent === 0 ? 1 : 0,
      },
      buffers: {
        scores: args.scores,
        count: args.count,
        step: args.step,
        bestScore: args.best.score,
        bestLatent: args.best.latent,
        floors: args.best.floors,
      },
      groups: gridFor(args.best.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
