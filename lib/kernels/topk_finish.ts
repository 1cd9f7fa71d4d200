/**
 * Turns running lists into a sparse code: positive scores only, sorted by latent.
 * @module
 */
import source from "../../shaders/topk_finish.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";
import type { RunningBest } from "./topk_merge.ts";

/** What to finish. */
export interface FinishArgs {
  /** The lists. */
  best: RunningBest;
  /** Where the code goes; the same capacity as the lists. */
  code: CodeByRow;
  /** vec2u [rows · capacity] scratch for sorting. */
  scratch: GPUBuffer;
  /** u32: latent of each listed number, when the lists hold places in another list. */
  map?: GPUBuffer;
}

/** The end of a selection. */
export const topkFinish = {
  kernel: defineKernel({
    name: "topk_finish",
    source,
    parts: PARTS,
    buffers: ["bestScore", "bestLatent", "map", "spans", "entries", "scratch"],
    dims: ["rows", "capacity"],
  }),

  /** Moves of a merge sort. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    const moves = rows * k * Math.ceil(Math.log2(Math.max(k, 2)));
    return { flops: moves, bytes: 16 * moves + 16 * rows * k };
  },

  /** One dispatch. */
  record(gpu: Gpu, { best, code, scratch, map }: FinishArgs): Dispatch {
    if (best.capacity !== code.capacity || best.rows !== code.rows) {
      throw new RangeError("Cannot finish a selection: lists and code differ in size");
    }
    return topkFinish.kernel.dispatch(gpu, {
      defines: { MAPPED: map ? 1 : 0 },
      dims: { rows: best.rows, capacity: best.capacity },
      buffers: {
        bestScore: best.score,
        bestLatent: best.latent,
        map: map ?? best.latent,
        spans: code.spans,
        entries: code.entries,
        scratch,
      },
      groups: gridFor(best.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
