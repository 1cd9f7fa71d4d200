/**
 * The sum of a vector, or of one word of every record.
 * @module
 */
import source from "../../shaders/sum_values.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";

/** What to sum. */
export interface SumValuesArgs {
  /** Number of values. */
  count: number;
  /** f32: a record of `step` words a value. */
  values: GPUBuffer;
  /** Words of a record; 1 when absent. */
  step?: number;
  /** Place of the value in it; 0 when absent. */
  first?: number;
  /** f32: one word of it is written. */
  out: GPUBuffer;
  /** Which word; 0 when absent. */
  place?: number;
}

/** Sum of a vector. */
export const sumValues = {
  kernel: defineKernel({
    name: "sum_values",
    source,
    buffers: ["values", "out"],
    dims: ["count", "step", "first", "place"],
  }),

  /** Every value once. */
  cost({ count }: { count: number }): Cost {
    return { flops: count, bytes: 4 * count };
  },

  /** One dispatch of one workgroup. */
  record(
    gpu: Gpu,
    { count, values, out, step = 1, first = 0, place = 0 }: SumValuesArgs,
  ): Dispatch {
    return sumValues.kernel.dispatch(gpu, {
      dims: { count, step, first, place },
      buffers: { values, out },
      groups: [1, 1, 1],
    });
  },
};
