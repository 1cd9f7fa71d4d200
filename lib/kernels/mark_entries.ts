/**
 * Marks in a row of bits a latent on which rows of the batch it is active.
 * @module
 */
import source from "../../shaders/mark_entries.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import { type CodeByLatent, type CodeByRow, planRowThreads } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** The marking. */
export const markEntries = {
  kernel: defineKernel({
    name: "mark_entries",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "bits"],
    dims: ["rows", "threads", "words"],
  }),

  /** One atomic an entry. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 0, bytes: 16 * rows * k };
  },

  /** Clears the bits, then sets them. */
  record(gpu: Gpu, code: CodeByRow, byLatent: CodeByLatent): Command[] {
    const { threads, strided } = planRowThreads(code.capacity);
    return [
      { kind: "clear", buffer: byLatent.bits },
      markEntries.kernel.dispatch(gpu, {
        defines: { STRIDED: strided },
        dims: { rows: code.rows, threads, words: byLatent.words },
        buffers: { spans: code.spans, entries: code.entries, bits: byLatent.bits },
        groups: gridFor(code.rows * threads, THREADS, gpu.facts.maxGroups),
      }),
    ];
  },
};
