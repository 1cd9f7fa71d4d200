/**
 * Takes latents or rows out of a panel of scores: those without a flag become so low that no gate lets them through.
 * @module
 */
import source from "../../shaders/mask_scores.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to mask. */
export interface MaskArgs {
  /** Rows. */
  rows: number;
  /** u32 (or f32), one a latent: 0 for those that are taken out. */
  flags: GPUBuffer;
  /** The flags are one a row. */
  byRow?: boolean;
  /** f32 [rows, panel], changed in place. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
  /** First latent of the panel. */
  firstLatent: number;
  /** Latents of the panel, without padding. */
  latents: number;
}

/** Masked scores. */
export const maskScores = {
  kernel: defineKernel({
    name: "mask_scores",
    source,
    parts: PARTS,
    buffers: ["flags", "scores"],
    dims: ["rows", "panel4", "firstLatent", "latents"],
  }),

  /** Scores in and out. */
  cost({ rows, latents }: { rows: number; latents: number }): Cost {
    return { flops: 0, bytes: 4 * (2 * rows * latents + latents) };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: MaskArgs): Dispatch {
    const { rows, flags, byRow, scores, panel, firstLatent, latents } = args;
    return maskScores.kernel.dispatch(gpu, {
      defines: { BY_ROW: byRow ? 1 : 0 },
      dims: { rows, panel4: panel / 4, firstLatent, latents },
      buffers: { flags, scores },
      groups: gridFor(rows * panel / 4, THREADS, gpu.facts.maxGroups),
    });
  },
};
