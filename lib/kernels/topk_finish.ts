/**
 * Turns running lists into a sparse code: positive scores only, sorted by latent.
 * @module
 */
import source from "../../shaders/topk_finish.wgsl" with { type: "text" };
import registersSource from "../../shaders/topk_finish_registers.wgsl" with { type: "text" };
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

/** vec4s of a list that is sorted in registers; the steps grow with the square. */
const MOST_VECS = 16;

/** The end of a selection. */
export const topkFinish = {
  kernel: defineKernel({
    name: "topk_finish",
    source,
    parts: PARTS,
    buffers: ["bestScore", "bestLatent", "map", "spans", "entries", "scratch"],
    dims: ["rows", "capacity"],
  }),

  registersKernel: defineKernel({
    name: "topk_finish",
    source: registersSource,
    parts: PARTS,
    buffers: ["bestScore", "bestLatent", "map", "spans", "entries"],
    dims: ["rows", "capacity"],
  }),

  /** Moves of a merge sort. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    const moves = rows * k * Math.ceil(Math.log2(Math.max(k, 2)));
    return { flops: moves, bytes: 16 * moves + 16 * rows * k };
  },

  /** One dispatch; short lists are sorted in registers, where nothing is loaded or stored but once. */
  record(gpu: Gpu, { best, code, scratch, map }: FinishArgs): Dispatch {
    if (best.capacity !== code.capacity || best.rows !== code.rows) {
      throw new RangeError("Cannot finish a selection: lists and code differ in size");
    }
    const vecs = best.capacity / 4;
    const buffers = {
      bestScore: best.score,
      bestLatent: best.latent,
      map: map ?? best.latent,
      spans: code.spans,
      entries: code.entries,
    };
    const shared = {
      dims: { rows: best.rows, capacity: best.capacity },
      groups: gridFor(best.rows, THREADS, gpu.facts.maxGroups),
    };
    const mapped = map ? 1 : 0;
    return vecs <= MOST_VECS
      ? topkFinish.registersKernel.dispatch(gpu, {
        ...shared,
        label: "registers",
        defines: { MAPPED: mapped, VECS: vecs },
        buffers,
      })
      : topkFinish.kernel.dispatch(gpu, {
        ...shared,
        defines: { MAPPED: mapped },
        buffers: { ...buffers, scratch },
      });
  },
};
