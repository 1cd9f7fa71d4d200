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
  /** Factor of the sum; 1 when absent. */
  factor?: number;
  /** A word of `out` that is another factor. */
  weight?: number;
}

/** Sum of a vector. */
export const sumValues = {
  kernel: defineKernel({
    name: "sum_values",
    source,
    buffers: ["values", "out"],
    dims: ["count", "step", "first", "place", "factor", "weight"],
  }),

  /** Every value once. */
  cost({ count }: { count: number }): Cost {
    return { flops: count, bytes: 4 * count };
  },

  /** One dispatch of one workgroup. */
  record(gpu: Gpu, args: SumValuesArgs): Dispatch {
    const { count, values, out, step = 1, first = 0, place = 0, factor = 1, weight } = args;
    return sumValues.kernel.dispatch(gpu, {
      defines: { WEIGHTED: weight === undefined ? 0 : 1 },
      dims: { count, step, first, place, factor, weight: weight ?? 0 },
      buffers: { values, out },
      groups: [1, 1, 1],
    });
  },
};
