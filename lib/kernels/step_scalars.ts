/**
 * Clip factor of a step and its row of the metrics ring.
 * @module
 */
import source from "../../shaders/step_scalars.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { SCALARS, SITE, STEP } from "./common.ts";

/** What to conclude. */
export interface StepScalarsArgs {
  /** Longest gradient; 0 for no clipping. */
  limit: number;
  /** Rows of the batch. */
  rows: number;
  /** Sites in all, and how many of the first ones are the model's reconstructions. */
  sites: number;
  /** See `sites`. */
  targets: number;
  /** The buffer `step`: place in the ring, rows that do not count. */
  step: GPUBuffer;
  /** f32: squares of all gradients that count for clipping. */
  norms: GPUBuffer;
  /** Floats of `norms`, a multiple of 4. */
  normWords: number;
  /** u32s: numbers of entries, which are added. */
  activeCounts: GPUBuffer;
  /** How many. */
  counts: number;
  /** u32s: scan of the dead flags. */
  deadCount: GPUBuffer;
  /** Place of the total in it. */
  deadPlace: number;
  /** u32s: words of `scalars` that make a row of the ring. */
  fields: GPUBuffer;
  /** How many. */
  fieldCount: number;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** f32 [slots, fieldCount]. */
  ring: GPUBuffer;
}

/** The end of a step. */
export const stepScalars = {
  kernel: defineKernel({
    name: "step_scalars",
    source,
    buffers: [
      "step",
      "norms",
      "activeCounts",
      "deadCount",
      "fields",
      "scalars",
      "ring",
    ],
    dims: [
      "limit",
      "rows",
      "sites",
      "targets",
      "norms4",
      "counts",
      "deadPlace",
      "fields",
      "at",
    ],
  }),

  /** Nothing to speak of. */
  cost(): Cost {
    return { flops: 64, bytes: 512 };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: StepScalarsArgs): Dispatch {
    return stepScalars.kernel.dispatch(gpu, {
      defines: {
        CLIP: SCALARS.clip,
        TOTAL: SCALARS.total,
        FVU: SCALARS.fvu,
        L0: SCALARS.l0,
        DEAD: SCALARS.dead,
        GRAD_NORM: SCALARS.gradNorm,
        SQUARED_ERROR: SCALARS.squaredError,
        SPREAD: SCALARS.spread,
        SPARSITY_LOSS: SCALARS.sparsityLoss,
        PRE_ACT_LOSS: SCALARS.preActLoss,
        WEIGHTED: SITE.weighted,
        ERROR_WORD: SITE.error,
        SPREAD_WORD: SITE.spread,
        SITE_WORDS: SITE.words,
        SLOT_WORD: STEP.slot,
        LEFT_OUT: STEP.leftOut,
      },
      dims: {
        limit: args.limit,
        rows: args.rows,
        sites: args.sites,
        targets: args.targets,
        norms4: args.normWords / 4,
        counts: args.counts,
        deadPlace: args.deadPlace,
        fields: args.fieldCount,
        at: SCALARS.sites,
      },
      buffers: {
        step: args.step,
        norms: args.norms,
        activeCounts: args.activeCounts,
        deadCount: args.deadCount,
        fields: args.fields,
        scalars: args.scalars,
        ring: args.ring,
      },
      groups: [1, 1, 1],
    });
  },
};
