/**
 * Gradient of JumpReLU thresholds from the entries near them.
 * @module
 */
import source from "../../shaders/threshold_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to differentiate. */
export interface ThresholdGradientArgs {
  /** The window code by latent, placed, with dz. */
  code: CodeByLatent;
  /** Rows of the batch. */
  rows: number;
  /** f32 [latents]. */
  thresholds: GPUBuffer;
  /** Full width of the kernel. */
  window: number;
  /** Buffer and word of the coefficient of a penalty on the number of active latents. */
  step?: { buffer: GPUBuffer; word: number };
  /** f32 [latents]: decoder norms, when thresholds are compared with scores times them. */
  norms?: GPUBuffer;
  /** Whether `grad` is by the logarithms of the thresholds. */
  log: boolean;
  /** Whether dz of the entries, placed and by row, becomes the derivative that the score gets from the kernel. */
  toInput: boolean;
  /** f32: dz of the same entries by row. */
  dz: GPUBuffer;
  /** f32 [latents]: overwritten. */
  grad: GPUBuffer;
}

/** The threshold gradient. */
export const thresholdGradient = {
  kernel: defineKernel({
    name: "threshold_gradient",
    source,
    parts: PARTS,
    buffers: [
      "offsets",
      "thresholds",
      "norms",
      "coefficients",
      "placed",
      "dzByRow",
      "grad",
    ],
    dims: ["latents", "window", "share", "word"],
  }),

  /** Entries once. */
  cost({ rows, k, latents }: { rows: number; k: number; latents: number }): Cost {
    return { flops: 3 * rows * k, bytes: 16 * rows * k + 16 * latents };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: ThresholdGradientArgs): Dispatch {
    const { code, thresholds, norms, step } = args;
    return thresholdGradient.kernel.dispatch(gpu, {
      defines: {
        STEP_PENALTY: step ? 1 : 0,
        SCALED: norms ? 1 : 0,
        LOG: args.log ? 1 : 0,
        TO_INPUT: args.toInput ? 1 : 0,
      },
      dims: {
        latents: code.latents,
        window: args.window,
        share: 1 / args.rows,
        word: step?.word ?? 0,
      },
      buffers: {
        offsets: code.offsets,
        thresholds,
        norms: norms ?? thresholds,
        coefficients: step?.buffer ?? thresholds,
        placed: code.placed,
        dzByRow: args.dz,
        grad: args.grad,
      },
      groups: gridFor(code.latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
