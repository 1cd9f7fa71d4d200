/**
 * Moves the geometric median to the weighted mean.
 * @module
 */
import source from "../../shaders/median_update.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";

/** What to move. */
export interface MedianUpdateArgs {
  /** Columns. */
  d: number;
  /** f32 [d padded]: weighted sum of the rows. */
  weightedSum: GPUBuffer;
  /** f32 [4]: partial sums of the weights. */
  weightSum: GPUBuffer;
  /** f32 [d padded]. */
  median: GPUBuffer;
  /** f32 [1]: length of the move. */
  moved: GPUBuffer;
}

/** Weiszfeld update. */
export const medianUpdate = {
  kernel: defineKernel({
    name: "median_update",
    source,
    buffers: ["weightedSum", "weightSum", "median", "moved"],
    dims: ["d4"],
  }),

  /** Three rows. */
  cost({ d }: { d: number }): Cost {
    return { flops: 4 * d, bytes: 12 * d };
  },

  /** One dispatch. */
  record(gpu: Gpu, { d, weightedSum, weightSum, median, moved }: MedianUpdateArgs): Dispatch {
    return medianUpdate.kernel.dispatch(gpu, {
      dims: { d4: Math.ceil(d / 4) },
      buffers: { weightedSum, weightSum, median, moved },
      groups: [1, 1, 1],
    });
  },
};
