/**
 * Weights of one step towards the geometric median.
 * @module
 */
import source from "../../shaders/median_weights.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** Where the median stands. */
export interface MedianWeightsArgs {
  /** Rows. */
  rows: number;
  /** Columns. */
  d: number;
  /** f32 [rows, d padded]. */
  x: GPUBuffer;
  /** f32 [d padded]. */
  median: GPUBuffer;
  /** f32 [rows]. */
  weights: GPUBuffer;
}

/** Weiszfeld weights. */
export const medianWeights = {
  kernel: defineKernel({
    name: "median_weights",
    source,
    parts: PARTS,
    buffers: ["x", "median", "weights"],
    dims: ["rows", "d4"],
  }),

  /** The matrix once. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 3 * rows * d, bytes: 4 * rows * (d + 1) };
  },

  /** One dispatch. */
  record(gpu: Gpu, { rows, d, x, median, weights }: MedianWeightsArgs): Dispatch {
    return medianWeights.kernel.dispatch(gpu, {
      dims: { rows, d4: Math.ceil(d / 4) },
      buffers: { x, median, weights },
      groups: gridFor(rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
