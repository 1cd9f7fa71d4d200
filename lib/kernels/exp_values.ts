/**
 * Exponentials of a vector: thresholds and gains that are trained as logarithms.
 * @module
 */
import source from "../../shaders/exp_values.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to raise. */
export interface ExpArgs {
  /** Number of values. */
  count: number;
  /** f32 [count]. */
  values: GPUBuffer;
  /** f32 [count]. */
  out: GPUBuffer;
}

/** Exponentials. */
export const expValues = {
  kernel: defineKernel({
    name: "exp_values",
    source,
    parts: PARTS,
    buffers: ["values", "out"],
    dims: ["count"],
  }),

  /** One in, one out. */
  cost({ count }: { count: number }): Cost {
    return { flops: count, bytes: 8 * count };
  },

  /** One dispatch. */
  record(gpu: Gpu, { count, values, out }: ExpArgs): Dispatch {
    return expValues.kernel.dispatch(gpu, {
      dims: { count },
      buffers: { values, out },
      groups: gridFor(count, THREADS, gpu.facts.maxGroups),
    });
  },
};
