/**
 * Clip factor of a step and its row of the metrics ring.
 * @module
 */
import source from "../../shaders/step_scalars.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { RING_FIELDS, SCALARS, STEP } from "./common.ts";

/** What to conclude. */
export interface StepScalarsArgs {
  /** Longest gradient; 0 for no clipping. */
  limit: number;
  /** Coefficient of AuxK. */
  alpha: number;
  /** Rows of the batch. */
  rows: number;
  /** The buffer `step`: place in the ring. */
  step: GPUBuffer;
  /** f32 [4]: partial sums of the squares of latents. */
  latentSquares: GPUBuffer;
  /** f32 [1]: square of the bias gradient. */
  biasSquares: GPUBuffer;
  /** u32s: offsets of the code by latent. */
  activeCount: GPUBuffer;
  /** Place of the total in it. */
  activePlace: number;
  /** u32s: scan of the dead flags. */
  deadCount: GPUBuffer;
  /** Place of the total in it. */
  deadPlace: number;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** f32 [slots, RING_FIELDS.length]. */
  ring: GPUBuffer;
}

/** The end of a step. */
export const stepScalars = {
  kernel: defineKernel({
    name: "step_scalars",
    source,
    buffers: [
      "step",
      "latentSquares",
      "biasSquares",
      "activeCount",
      "deadCount",
      "scalars",
      "ring",
    ],
    dims: ["limit", "alpha", "rows"],
  }),

  /** Nothing to speak of. */
  cost(): Cost {
    return { flops: 16, bytes: 128 };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: StepScalarsArgs): Dispatch {
    return stepScalars.kernel.dispatch(gpu, {
      defines: {
        CLIP: SCALARS.clip,
        FVU: SCALARS.fvu,
        AUX_LOSS: SCALARS.auxLoss,
        SQUARED_ERROR: SCALARS.squaredError,
        SPREAD: SCALARS.spread,
        SLOT_WORD: STEP.slot,
        RING_WORDS: RING_FIELDS.length,
        ACTIVE_PLACE: args.activePlace,
        DEAD_PLACE: args.deadPlace,
      },
      dims: { limit: args.limit, alpha: args.alpha, rows: args.rows },
      buffers: {
        step: args.step,
        latentSquares: args.latentSquares,
        biasSquares: args.biasSquares,
        activeCount: args.activeCount,
        deadCount: args.deadCount,
        scalars: args.scalars,
        ring: args.ring,
      },
      groups: [1, 1, 1],
    });
  },
};
