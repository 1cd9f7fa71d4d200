/**
 * Multiplies the scores of a panel with a factor for each latent, such as its decoder norm.
 * @module
 */
import source from "../../shaders/scale_panel.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to scale. */
export interface ScalePanelArgs {
  /** Rows. */
  rows: number;
  /** f32 [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
  /** Number of the panel's first latent. */
  firstLatent: number;
  /** Latents of the panel, without padding. */
  latents: number;
  /** f32 [all latents], readable up to a multiple of 4. */
  factors: GPUBuffer;
  /** u32: latents behind the numbers of the panel, when they are places in a list. */
  map?: GPUBuffer;
}

/** The scaling. */
export const scalePanel = {
  kernel: defineKernel({
    name: "scale_panel",
    source,
    parts: PARTS,
    buffers: ["factors", "map", "scores"],
    dims: ["rows", "panel4", "width4", "firstLatent", "last"],
  }),

  /** Scores twice. */
  cost({ rows, width }: { rows: number; width: number }): Cost {
    return { flops: rows * width, bytes: 4 * width * (2 * rows + 1) };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: ScalePanelArgs): Dispatch {
    const { rows, scores, panel, firstLatent, latents, factors, map } = args;
    const width4 = Math.ceil(latents / 4);
    return scalePanel.kernel.dispatch(gpu, {
      defines: { MAPPED: map ? 1 : 0, VEC: !map && firstLatent % 4 === 0 ? 1 : 0 },
      dims: { rows, panel4: panel / 4, width4, firstLatent, last: firstLatent + latents - 1 },
      buffers: { factors, map: map ?? factors, scores },
      groups: gridFor(rows * width4, THREADS, gpu.facts.maxGroups),
    });
  },
};
