/**
 * Merges a panel of scores into the largest score of each row.
 * @module
 */
import source from "../../shaders/argmax_merge.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { THREADS } from "./common.ts";
import { planLanes, PURSUIT_PARTS } from "./picks.ts";

/** What to merge. */
export interface ArgmaxArgs {
  /** Rows. */
  rows: number;
  /** Panel of scores [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`, a multiple of 4. */
  panel: number;
  /** Number of the panel's first latent; panels come in ascending order, the one of latent 0 begins anew. */
  firstLatent: number;
  /** One past the last latent that is looked at. */
  latents: number;
  /** vec2u [rows]: the largest score as bits, and its latent; 0xffffffff when there is none. */
  best: GPUBuffer;
}

/** The running maximum. */
export const argmaxMerge = {
  kernel: defineKernel({
    name: "argmax_merge",
    source,
    parts: PURSUIT_PARTS,
    buffers: ["scores", "best"],
    dims: ["rows", "width4", "firstLatent", "limit", "first"],
  }),

  /** One compare a score. */
  cost({ rows, width }: { rows: number; width: number }): Cost {
    return { flops: rows * width, bytes: 4 * rows * (width + 4) };
  },

  /** One dispatch for one panel. */
  record(gpu: Gpu, args: ArgmaxArgs): Dispatch {
    const lanes = planLanes(gpu.facts, 1);
    return argmaxMerge.kernel.dispatch(gpu, {
      defines: { ...lanes },
      dims: {
        rows: args.rows,
        width4: args.panel / 4,
        firstLatent: args.firstLatent,
        limit: args.latents,
        first: args.firstLatent === 0 ? 1 : 0,
      },
      buffers: { scores: args.scores, best: args.best },
      groups: gridFor(args.rows * lanes.LANES, THREADS, gpu.facts.maxGroups),
    });
  },
};
