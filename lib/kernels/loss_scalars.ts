/**
 * Loss of a site and the factor of its gradient, kept on the GPU.
 * @module
 */
import source from "../../shaders/loss_scalars.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { SITE, siteWord } from "./common.ts";

/** What to conclude. */
export interface LossScalarsArgs {
  /** Number of the site. */
  site: number;
  /** `fvu` divides by the target's variance in the batch, `scaled` multiplies with `factor`. */
  kind: "fvu" | "scaled";
  /** Weight of the loss. */
  weight: number;
  /** Factor of the sum of squares; 1/rows for `sum_mean`. */
  factor: number;
  /** Rows of the batch that `factor` is for, where only those count whose sixth stat is 1. */
  maskedRows?: number;
  /** f32 [8]: sums of the stats of all rows. */
  sums: GPUBuffer;
  /** All words become zero where this u32 is zero. */
  guard?: { count: GPUBuffer; place: number };
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
}

/** Losses and factors. */
export const lossScalars = {
  kernel: defineKernel({
    name: "loss_scalars",
    source,
    buffers: ["sums", "count", "scalars"],
    dims: ["weight", "factor", "at", "place", "rows"],
  }),

  /** Nothing to speak of. */
  cost(): Cost {
    return { flops: 8, bytes: 64 };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: LossScalarsArgs): Dispatch {
    return lossScalars.kernel.dispatch(gpu, {
      label: `site ${args.site}`,
      defines: {
        FVU: args.kind === "fvu" ? 1 : 0,
        GUARDED: args.guard ? 1 : 0,
        MASKED: args.maskedRows ? 1 : 0,
        SCALE: SITE.scale,
        LOSS: SITE.loss,
        ERROR: SITE.error,
        SPREAD: SITE.spread,
        WEIGHTED: SITE.weighted,
        FVU_WORD: SITE.fvu,
      },
      dims: {
        weight: args.weight,
        factor: args.factor,
        at: siteWord(args.site, "scale"),
        place: args.guard?.place ?? 0,
        rows: args.maskedRows ?? 0,
      },
      buffers: {
        sums: args.sums,
        count: args.guard?.count ?? args.sums,
        scalars: args.scalars,
      },
      groups: [1, 1, 1],
    });
  },
};
