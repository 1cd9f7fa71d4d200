/**
 * Sign descent under a schedule-free average.
 * @module
 */
import source from "../../shaders/signum.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, STEP, THREADS, vectorsEach } from "./common.ts";
import { AVERAGE } from "./schedule_free.ts";

/**
 * What a dispatch does: `step` all of it; `descend` only z and x, where rows are scaled before `blend` makes y of them;
 * `show` puts x into y.
 */
export type SignumPart = "step" | "descend" | "blend" | "show";

/** What to update. */
export interface SignumArgs {
  /** Which part of it. */
  part: SignumPart;
  /** Floats, a multiple of 4. */
  count: number;
  /** Share of x in y. */
  beta: number;
  /** The buffer `step`: learning rate. */
  step: GPUBuffer;
  /** f32 [AVERAGE.words], see `schedule_free`. */
  average: GPUBuffer;
  /** Gradient at y. */
  grad: GPUBuffer;
  /** The parameter as it is trained. */
  y: GPUBuffer;
  /** What descends. */
  z: GPUBuffer;
  /** Its running average. */
  x: GPUBuffer;
  /** Factor of the learning rate; 1 when absent. */
  lrFactor?: number;
  /** Values below zero become zero. */
  nonNegative?: boolean;
}

/** Sign descent. */
export const signum = {
  kernel: defineKernel({
    name: "signum",
    source,
    parts: PARTS,
    buffers: ["step", "average", "grad", "y", "z", "x"],
    dims: ["count4", "lrFactor", "beta"],
  }),

  /** Four reads and three writes a parameter. */
  cost({ count }: { count: number }): Cost {
    return { flops: 10 * count, bytes: 28 * count };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: SignumArgs): Dispatch {
    const { part, count, beta, step, average, grad, y, z, x } = args;
    const count4 = count / 4;
    const each = vectorsEach(gpu.facts);
    return signum.kernel.dispatch(gpu, {
      label: part,
      defines: {
        EACH: each,
        LR_WORD: STEP.lr,
        SHARE: AVERAGE.share,
        STEPS: AVERAGE.steps,
        SHOW: part === "show" ? 1 : 0,
        DESCEND: part === "step" || part === "descend" ? 1 : 0,
        BLEND: part === "step" || part === "blend" ? 1 : 0,
        NON_NEGATIVE: args.nonNegative ? 1 : 0,
      },
      dims: { count4, lrFactor: args.lrFactor ?? 1, beta },
      buffers: { step, average, grad, y, z, x },
      groups: gridFor(count4, THREADS * each, gpu.facts.maxGroups),
    });
  },
};
