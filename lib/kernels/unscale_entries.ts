/**
 * Divides the values of a code by a factor for each latent: from scores that a gate compared back to activations.
 * @module
 */
import source from "../../shaders/unscale_entries.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { type CodeByRow, planRowThreads } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** The division. */
export const unscaleEntries = {
  kernel: defineKernel({
    name: "unscale_entries",
    source,
    parts: PARTS,
    buffers: ["spans", "factors", "entries"],
    dims: ["rows", "threads"],
  }),

  /** Entries twice, a factor each. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: rows * k, bytes: 16 * rows * k };
  },

  /** One dispatch; `factors` is f32 [latents], none of them zero where a latent has entries. */
  record(gpu: Gpu, code: CodeByRow, factors: GPUBuffer): Dispatch {
    const { threads, strided } = planRowThreads(code.capacity);
    return unscaleEntries.kernel.dispatch(gpu, {
      defines: { STRIDED: strided },
      dims: { rows: code.rows, threads },
      buffers: { spans: code.spans, factors, entries: code.entries },
      groups: gridFor(code.rows * threads, THREADS, gpu.facts.maxGroups),
    });
  },
};
