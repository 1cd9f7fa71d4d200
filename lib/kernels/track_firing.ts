/**
 * Counters of every latent: tokens since it fired, tokens on which it fired, and whether it is dead.
 * @module
 */
import source from "../../shaders/track_firing.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to count. */
export interface TrackArgs {
  /** Number of latents. */
  latents: number;
  /** Tokens of a batch. */
  rows: number;
  /** Tokens without firing that make a latent dead. */
  deadAfter: number;
  /** u32 [latents]: active rows of this batch. */
  counts: GPUBuffer;
  /** u32 [latents]. */
  sinceFired: GPUBuffer;
  /** u32 [latents]: summed until the host clears it. */
  fired: GPUBuffer;
  /** u32 [latents]: 1 where dead. */
  dead: GPUBuffer;
}

/** Firing counters. */
export const trackFiring = {
  kernel: defineKernel({
    name: "track_firing",
    source,
    parts: PARTS,
    buffers: ["counts", "sinceFired", "fired", "dead"],
    dims: ["latents", "rows", "deadAfter"],
  }),

  /** Four words a latent. */
  cost({ latents }: { latents: number }): Cost {
    return { flops: 0, bytes: 24 * latents };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: TrackArgs): Dispatch {
    return trackFiring.kernel.dispatch(gpu, {
      dims: { latents: args.latents, rows: args.rows, deadAfter: args.deadAfter },
      buffers: {
        counts: args.counts,
        sinceFired: args.sinceFired,
        fired: args.fired,
        dead: args.dead,
      },
      groups: gridFor(args.latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
