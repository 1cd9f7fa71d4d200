/**
 * Softmax over the keys up to a query's own, in place, and its derivative.
 * @module
 */
import source from "../../shaders/causal_softmax.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";
import { paddedSize, type Strip } from "./strip.ts";

/** What to normalise. */
export interface SoftmaxArgs {
  /** Queries and keys. */
  strip: Strip;
  /** Factor of the scores, one over attention's scale. */
  factor: number;
  /** f32, see {@link Strip}: scores become the pattern; with `backward` the pattern. */
  pattern: GPUBuffer;
  /** f32, as large: with `backward` the derivative by the pattern becomes that by the scores; else left alone. */
  grad: GPUBuffer;
  /** Differentiate. */
  backward?: boolean;
}

/** The softmax of attention. */
export const causalSoftmax = {
  kernel: defineKernel({
    name: "causal_softmax",
    source,
    parts: PARTS,
    buffers: ["pattern", "grad"],
    dims: ["blocks", "firstQuery", "queries", "factor"],
  }),

  /** Three sweeps over half of the pairs of `rows` queries with `n` keys each. */
  cost({ rows, n }: { rows: number; n: number }): Cost {
    return { flops: 3 * rows * n, bytes: 4 * 4 * rows * n / 2 };
  },

  /** One dispatch. */
  record(gpu: Gpu, { strip, factor, pattern, grad, backward }: SoftmaxArgs): Dispatch {
    const blocks = strip.heads * strip.sequences;
    const rows = blocks * paddedSize(strip).queries;
    const shared = !gpu.facts.software;
    return causalSoftmax.kernel.dispatch(gpu, {
      label: backward ? "backward" : "forward",
      defines: { BACKWARD: backward ? 1 : 0, SHARED: shared ? 1 : 0 },
      dims: { blocks, firstQuery: strip.firstQuery, queries: strip.queries, factor },
      buffers: { pattern, grad },
      groups: gridFor(rows, shared ? 1 : THREADS, gpu.facts.maxGroups),
    });
  },
};
