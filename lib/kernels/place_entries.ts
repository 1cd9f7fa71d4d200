/**
 * Writes the entries of a code by latent, rows ascending within a latent.
 * @module
 */
import source from "../../shaders/place_entries.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { type CodeByLatent, type CodeByRow, planRowThreads } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** The placement. */
export const placeEntries = {
  kernel: defineKernel({
    name: "place_entries",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "dz", "bits", "before", "offsets", "placed"],
    dims: ["rows", "threads", "words4"],
  }),

  /** An entry, a vec4 of bits and what lies before it, and what is placed. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 0, bytes: rows * k * (28 + 24 + 16) };
  },

  /** One dispatch. */
  record(gpu: Gpu, code: CodeByRow, byLatent: CodeByLatent): Dispatch {
    const { threads, strided } = planRowThreads(code.capacity);
    return placeEntries.kernel.dispatch(gpu, {
      defines: { STRIDED: strided },
      dims: { rows: code.rows, threads, words4: byLatent.words / 4 },
      buffers: {
        spans: code.spans,
        entries: code.entries,
        dz: code.dz,
        bits: byLatent.bits,
        before: byLatent.before,
        offsets: byLatent.offsets,
        placed: byLatent.placed,
      },
      groups: gridFor(code.rows * threads, THREADS, gpu.facts.maxGroups),
    });
  },
};
