/**
 * Keeps the k best of the candidates of each row.
 * @module
 */
import source from "../../shaders/keep_candidates.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** What to choose from. */
export interface KeepCandidatesArgs {
  /** Lists to choose from, latents ascending. */
  candidates: Pick<CodeByRow, "rows" | "spans" | "entries">;
  /** f32, in the places of their entries. */
  scores: GPUBuffer;
  /** What is kept. */
  code: CodeByRow;
  /** The buffer `step`: word k. */
  step: GPUBuffer;
}

/** The choice. */
export const keepCandidates = {
  kernel: defineKernel({
    name: "keep_candidates",
    source,
    parts: PARTS,
    buffers: ["spans", "candidates", "scores", "step", "codeSpans", "entries"],
    dims: ["rows", "capacity"],
  }),

  /** Fifteen compares a candidate and pass, of eight; scores nine times. */
  cost({ rows, count, k }: { rows: number; count: number; k: number }): Cost {
    return { flops: 120 * rows * count, bytes: rows * (4 * 9 * count + 16 * k + 16) };
  },

  /** One dispatch. */
  record(gpu: Gpu, { candidates, scores, code, step }: KeepCandidatesArgs): Dispatch {
    return keepCandidates.kernel.dispatch(gpu, {
      defines: { K_WORD: STEP.k },
      dims: { rows: code.rows, capacity: code.capacity },
      buffers: {
        spans: candidates.spans,
        candidates: candidates.entries,
        scores,
        step,
        codeSpans: code.spans,
        entries: code.entries,
      },
      groups: gridFor(code.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
