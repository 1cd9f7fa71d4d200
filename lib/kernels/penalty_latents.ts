/**
 * Sums of a penalty over the rows of every latent: batch means that `tanh_quad` looks at, and what reaches decoder rows
 * through their norms.
 * @module
 */
import source from "../../shaders/penalty_latents.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, STEP, THREADS } from "./common.ts";
import type { PenaltyForm } from "./penalise_entries.ts";

/** Operands of both sums. */
export interface PenaltyLatentsArgs {
  /** The code by latent, placed. */
  code: CodeByLatent;
  /** Rows of the batch. */
  rows: number;
  /** Which penalty. */
  form: PenaltyForm;
  /** f32 [latents]: norms that values are multiplied with; ones when absent. */
  norms?: GPUBuffer;
  /** vec2f [latents]: mean of tanh, and its term a (1 + a / s). */
  means?: GPUBuffer;
}

/** Further operands of the weights of decoder rows. */
export interface NormWeightsArgs extends PenaltyLatentsArgs {
  /** The norms. */
  norms: GPUBuffer;
  /** vec2f [rows]: penalties of the rows, which `lp_norm` looks at. */
  values: GPUBuffer;
  /** Buffer and word of the coefficient. */
  coefficient: { buffer: GPUBuffer; word: number };
  /** The buffer `step`: the exponent. */
  step: GPUBuffer;
  /** f32 [latents]: multiples of the decoder rows that belong into their gradients. */
  weights: GPUBuffer;
}

/** Sums by latent. */
export const penaltyLatents = {
  kernel: defineKernel({
    name: "penalty_latents",
    source,
    parts: PARTS,
    buffers: [
      "offsets",
      "placed",
      "norms",
      "means",
      "values",
      "coefficients",
      "step",
      "out",
    ],
    dims: ["latents", "share", "word", "scale", "frequency"],
  }),

  /** Entries once. */
  cost({ rows, k, latents }: { rows: number; k: number; latents: number }): Cost {
    return { flops: 16 * rows * k, bytes: 16 * rows * k + 16 * latents };
  },

  /** One dispatch that writes `means`. */
  recordMeans(gpu: Gpu, args: PenaltyLatentsArgs & { means: GPUBuffer }): Dispatch {
    const { offsets } = args.code;
    const read = { values: offsets, coefficient: { buffer: offsets, word: 0 }, step: offsets };
    return record(gpu, { ...args, ...read, out: args.means, means: offsets }, true);
  },

  /** One dispatch that writes `weights`. */
  recordWeights(gpu: Gpu, args: NormWeightsArgs): Dispatch {
    if (args.form.kind === "tanh_quad" && !args.means) {
      throw new RangeError('Cannot weigh decoder rows: "tanh_quad" needs the means of the latents');
    }
    return record(
      gpu,
      { ...args, means: args.means ?? args.code.offsets, out: args.weights },
      false,
    );
  },
};

type RecordArgs = Omit<NormWeightsArgs, "weights" | "norms"> & {
  norms?: GPUBuffer;
  means: GPUBuffer;
  out: GPUBuffer;
};

function record(gpu: Gpu, args: RecordArgs, means: boolean): Dispatch {
  const { code, form, norms } = args;
  const exponent = form.kind === "lp_norm" || form.kind === "power";
  return penaltyLatents.kernel.dispatch(gpu, {
    label: means ? "means" : `norms, ${form.kind}`,
    defines: {
      MEANS: means ? 1 : 0,
      NORMS: norms ? 1 : 0,
      EXPONENT_USED: exponent ? 1 : 0,
      EXPONENT: STEP.exponent,
      SOFT: "scale" in form ? 1 : 0,
      L1: form.kind === "l1" ? 1 : 0,
      NORM: form.kind === "lp_norm" ? 1 : 0,
      POWER: form.kind === "power" ? 1 : 0,
      QUAD: form.kind === "tanh_quad" ? 1 : 0,
    },
    dims: {
      latents: code.latents,
      share: 1 / args.rows,
      word: args.coefficient.word,
      scale: "scale" in form ? form.scale : 0,
      frequency: "frequency" in form ? form.frequency : 1,
    },
    buffers: {
      offsets: code.offsets,
      placed: code.placed,
      norms: norms ?? code.offsets,
      means: args.means,
      values: args.values,
      coefficients: args.coefficient.buffer,
      step: args.step,
      out: args.out,
    },
    groups: gridFor(code.latents, THREADS, gpu.facts.maxGroups),
  });
}
