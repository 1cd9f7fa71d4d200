/**
 * Where the pre-activation loss goes, apart from the correction of active entries.
 * @module
 */
import source from "../../shaders/pre_act_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** Words of a latent in `effects`. */
export const EFFECTS = {
  /** Weight of the sum of inputs in the gradient of the encoder row. */
  encoder: 0,
  /** Weight of the decoder row in its own gradient. */
  decoder: 1,
  /** Its part of the loss. */
  loss: 2,
  /** Number of words. */
  words: 4,
} as const;

/** What to differentiate. */
export interface PreActArgs {
  /** Rows of the batch. */
  rows: number;
  /** Number of latents. */
  latents: number;
  /** vec4f [latents], see `preActDeficit`. */
  deficits: GPUBuffer;
  /** f32 [latents]: decoder norms. */
  norms: GPUBuffer;
  /** Whether thresholds are compared with scores times norms. */
  scaled: boolean;
  /** u32 [latents + 1] of the model's code by latent. */
  offsets: GPUBuffer;
  /** u32 [latents] tokens since a latent fired, where the loss is for the dead ones only. */
  dead?: { sinceFired: GPUBuffer; after: number };
  /** The buffer `step`: the coefficient. */
  step: GPUBuffer;
  /** vec4f [latents], see `EFFECTS`. */
  effects: GPUBuffer;
  /** f32 [latents]: grows. */
  gradBias: GPUBuffer;
  /** f32 [latents]: grows. */
  gradThreshold: GPUBuffer;
}

/** The gradient of the pre-activation loss. */
export const preActGradient = {
  kernel: defineKernel({
    name: "pre_act_gradient",
    source,
    parts: PARTS,
    buffers: [
      "deficits",
      "norms",
      "offsets",
      "sinceFired",
      "step",
      "effects",
      "gradBias",
      "gradThreshold",
    ],
    dims: ["latents", "rows", "deadAfter"],
  }),

  /** A few words a latent. */
  cost({ latents }: { latents: number }): Cost {
    return { flops: 12 * latents, bytes: 60 * latents };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: PreActArgs): Dispatch {
    const { dead, offsets } = args;
    return preActGradient.kernel.dispatch(gpu, {
      defines: {
        DEAD: dead ? 1 : 0,
        SCALED: args.scaled ? 1 : 0,
        COEFFICIENT: STEP.preActCoefficient,
      },
      dims: { latents: args.latents, rows: args.rows, deadAfter: dead?.after ?? 0 },
      buffers: {
        deficits: args.deficits,
        norms: args.norms,
        offsets,
        sinceFired: dead?.sinceFired ?? offsets,
        step: args.step,
        effects: args.effects,
        gradBias: args.gradBias,
        gradThreshold: args.gradThreshold,
      },
      groups: gridFor(args.latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
