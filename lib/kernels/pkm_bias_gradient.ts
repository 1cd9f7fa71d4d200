/**
 * Gradient of a bias a latent that every head adds to its scores, from the code by latent.
 * @module
 */
import source from "../../shaders/pkm_bias_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to sum. */
export interface PkmBiasGradientArgs {
  /** The code by latent, with dz. */
  code: CodeByLatent;
  /** u32 by entry of the code by row: one bit a head that proposed it; absent for one head. */
  proposers?: GPUBuffer;
  /** f32 [latents]. */
  grad: GPUBuffer;
  /** Add to what is there. */
  add?: boolean;
}

/** The gradient of the bias. */
export const pkmBiasGradient = {
  kernel: defineKernel({
    name: "pkm_bias_gradient",
    source,
    parts: PARTS,
    buffers: ["offsets", "placed", "proposers", "grad"],
    dims: ["latents"],
  }),

  /** An addition an entry. */
  cost({ rows, k, latents }: { rows: number; k: number; latents: number }): Cost {
    return { flops: rows * k, bytes: 16 * rows * k + 8 * latents };
  },

  /** One dispatch. */
  record(gpu: Gpu, { code, proposers, grad, add }: PkmBiasGradientArgs): Dispatch {
    return pkmBiasGradient.kernel.dispatch(gpu, {
      defines: { MERGED: proposers ? 1 : 0, ADD: add ? 1 : 0 },
      dims: { latents: code.latents },
      buffers: {
        offsets: code.offsets,
        placed: code.placed,
        proposers: proposers ?? code.offsets,
        grad,
      },
      groups: gridFor(code.latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
