/**
 * Gradients of a gated coder's gain and magnitude bias, and the derivatives by its encoder's scores.
 * @module
 */
import source from "../../shaders/gated_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to differentiate. */
export interface GatedGradientArgs {
  /** The model's code by latent, placed: its dz become derivatives by the scores. */
  code: CodeByLatent;
  /** f32 [latents]: logarithms of the gains. */
  r: GPUBuffer;
  /** f32 [latents]. */
  bMag: GPUBuffer;
  /** f32 [latents]: overwritten. */
  gradR: GPUBuffer;
  /** f32 [latents]: overwritten. */
  gradMag: GPUBuffer;
}

/** Gradients of a gated coder. */
export const gatedGradient = {
  kernel: defineKernel({
    name: "gated_gradient",
    source,
    parts: PARTS,
    buffers: ["offsets", "r", "bMag", "placed", "gradR", "gradMag"],
    dims: ["latents"],
  }),

  /** Entries once, their dz once more. */
  cost({ rows, k, latents }: { rows: number; k: number; latents: number }): Cost {
    return { flops: 5 * rows * k, bytes: 20 * rows * k + 20 * latents };
  },

  /** One dispatch. */
  record(gpu: Gpu, { code, r, bMag, gradR, gradMag }: GatedGradientArgs): Dispatch {
    return gatedGradient.kernel.dispatch(gpu, {
      dims: { latents: code.latents },
      buffers: { offsets: code.offsets, r, bMag, placed: code.placed, gradR, gradMag },
      groups: gridFor(code.latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
