/**
 * The share of a code's entries that another code has as well.
 * @module
 */
import source from "../../shaders/code_recall.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { THREADS } from "./common.ts";

/** Rows that are compared at most. */
export const RECALL_ROWS = THREADS;

/** What to compare. */
export interface CodeRecallArgs {
  /** The entries that should be there, of RECALL_ROWS rows at most. */
  wanted: CodeByRow;
  /** A code with the same rows first. */
  found: CodeByRow;
  /** Where the share goes. */
  scalars: GPUBuffer;
  /** Place in `scalars`. */
  word: number;
}

/** The share. */
export const codeRecall = {
  kernel: defineKernel({
    name: "code_recall",
    source,
    buffers: ["wantedSpans", "wanted", "foundSpans", "found", "scalars"],
    dims: ["rows", "word"],
  }),

  /** A comparison an entry of both. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 2 * rows * k, bytes: 16 * rows * (k + 1) };
  },

  /** One dispatch. */
  record(gpu: Gpu, { wanted, found, scalars, word }: CodeRecallArgs): Dispatch {
    if (wanted.rows > RECALL_ROWS || wanted.rows > found.rows) {
      throw new RangeError(`Cannot compare codes: at most ${RECALL_ROWS} rows are possible`);
    }
    return codeRecall.kernel.dispatch(gpu, {
      dims: { rows: wanted.rows, word },
      buffers: {
        wantedSpans: wanted.spans,
        wanted: wanted.entries,
        foundSpans: found.spans,
        found: found.entries,
        scalars,
      },
      groups: [1, 1, 1],
    });
  },
};
