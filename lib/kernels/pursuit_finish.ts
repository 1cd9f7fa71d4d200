/**
 * Turns the picks of a matching pursuit into a sparse code, and notes where each pick went.
 * @module
 */
import source from "../../shaders/pursuit_finish.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";
import type { Picks } from "./picks.ts";

/** What to finish. */
export interface PursuitFinishArgs {
  /** The picks; their `order` is written. */
  picks: Picks;
  /** Where the code goes; the same capacity as the picks. */
  code: CodeByRow;
  /** vec2u [rows · capacity] scratch for sorting. */
  scratch: GPUBuffer;
}

/** The end of a pursuit. */
export const pursuitFinish = {
  kernel: defineKernel({
    name: "pursuit_finish",
    source,
    parts: PARTS,
    buffers: ["latents", "values", "spans", "entries", "scratch", "order"],
    dims: ["rows", "capacity", "iterations"],
  }),

  /** Moves of a merge sort. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    const moves = rows * k * Math.ceil(Math.log2(Math.max(k, 2)));
    return { flops: moves, bytes: 16 * moves + 40 * rows * k };
  },

  /** One dispatch. */
  record(gpu: Gpu, { picks, code, scratch }: PursuitFinishArgs): Dispatch {
    if (picks.capacity !== code.capacity || picks.rows !== code.rows) {
      throw new RangeError("Cannot finish a pursuit: picks and code differ in size");
    }
    return pursuitFinish.kernel.dispatch(gpu, {
      dims: { rows: picks.rows, capacity: picks.capacity, iterations: picks.iterations },
      buffers: {
        latents: picks.latents,
        values: picks.values,
        spans: code.spans,
        entries: code.entries,
        scratch,
        order: picks.order,
      },
      groups: gridFor(picks.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
