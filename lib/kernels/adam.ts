/**
 * Adam with bias correction on any buffer of float32; with decoupled weight decay, or for gradients that are mostly zero.
 * @module
 */
import source from "../../shaders/adam.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, SCALARS, STEP, THREADS, vectorsEach } from "./common.ts";

/** Fixed numbers of Adam. */
export interface AdamRates {
  /** Decay of the first moment. */
  beta1: number;
  /** Decay of the second moment. */
  beta2: number;
  /** Added to the root. */
  eps: number;
}

/** What to update. */
export interface AdamArgs extends AdamRates {
  /** Floats, a multiple of 4. */
  count: number;
  /** The buffer `step`: learning rate and corrections. */
  step: GPUBuffer;
  /** The buffer `scalars`: clip factor. */
  scalars: GPUBuffer;
  /** Place of the clip factor; `SCALARS.clip` when absent, `SCALARS.one` for gradients that are not clipped. */
  clipWord?: number;
  /** Gradient. */
  grad: GPUBuffer;
  /** Parameter. */
  parameter: GPUBuffer;
  /** First moment. */
  moment1: GPUBuffer;
  /** Second moment. */
  moment2: GPUBuffer;
  /** Factor of the learning rate; 1 when absent. */
  lrFactor?: number;
  /** The parameter is first multiplied by 1 - lr · decay; 0 when absent. */
  decay?: number;
  /** Where the gradient is zero, moments decay and the parameter stays. */
  sparse?: boolean;
  /** Values below zero become zero. */
  nonNegative?: boolean;
}

/** Adam. */
export const adam = {
  kernel: defineKernel({
    name: "adam",
    source,
    parts: PARTS,
    buffers: ["step", "scalars", "grad", "parameter", "moment1", "moment2"],
    dims: ["count4", "beta1", "beta2", "eps", "lrFactor", "decay"],
  }),

  /** Four reads and three writes a parameter. */
  cost({ count }: { count: number }): Cost {
    return { flops: 12 * count, bytes: 28 * count };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: AdamArgs): Dispatch {
    const { lrFactor = 1, decay = 0, sparse = false, nonNegative = false } = args;
    const count4 = args.count / 4;
    const each = vectorsEach(gpu.facts);
    return adam.kernel.dispatch(gpu, {
      defines: {
        EACH: each,
        CLIP_WORD: args.clipWord ?? SCALARS.clip,
        LR_WORD: STEP.lr,
        CORRECTION1_WORD: STEP.correction1,
        CORRECTION2_WORD: STEP.correction2,
        DECAY: decay > 0 ? 1 : 0,
        SPARSE: sparse ? 1 : 0,
        NON_NEGATIVE: nonNegative ? 1 : 0,
      },
      dims: {
        count4,
        beta1: args.beta1,
        beta2: args.beta2,
        eps: args.eps,
        lrFactor,
        decay,
      },
      buffers: {
        step: args.step,
        scalars: args.scalars,
        grad: args.grad,
        parameter: args.parameter,
        moment1: args.moment1,
        moment2: args.moment2,
      },
      groups: gridFor(count4, THREADS * each, gpu.facts.maxGroups),
    });
  },
};
