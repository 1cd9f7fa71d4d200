/**
 * One code a row from the selections of several heads on a grid of sub-keys: values of the same latent add up.
 * @module
 */
import source from "../../shaders/pkm_merge.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** Most heads: as many as a word has bits. */
export const MOST_HEADS = 32;

/** What to merge. */
export interface PkmMergeArgs {
  /** Selections of a row. */
  heads: number;
  /** Their lists, ascending: list `row · heads + head`. */
  lists: Omit<CodeByRow, "dz">;
  /** Where the code goes; as much room as the lists of a row have entries. */
  code: Omit<CodeByRow, "dz">;
  /** u32 [rows · capacity]: bit h of an entry says that head h proposed it. */
  proposers: GPUBuffer;
}

/** The merge. */
export const pkmMerge = {
  kernel: defineKernel({
    name: "pkm_merge",
    source,
    parts: PARTS,
    buffers: ["listSpans", "listed", "spans", "entries", "heads"],
    dims: ["rows", "capacity"],
  }),

  /** A compare an entry and head; entries are read and written once. */
  cost({ rows, k, heads }: { rows: number; k: number; heads: number }): Cost {
    return { flops: rows * k * heads, bytes: rows * (20 * k + 8 * heads + 8) };
  },

  /** One dispatch. */
  record(gpu: Gpu, { heads, lists, code, proposers }: PkmMergeArgs): Dispatch {
    if (heads > MOST_HEADS || lists.rows !== code.rows * heads) {
      throw new RangeError(`Cannot merge ${heads} heads: ${lists.rows} lists, ${code.rows} rows`);
    }
    return pkmMerge.kernel.dispatch(gpu, {
      defines: { HEADS: heads },
      dims: { rows: code.rows, capacity: code.capacity },
      buffers: {
        listSpans: lists.spans,
        listed: lists.entries,
        spans: code.spans,
        entries: code.entries,
        heads: proposers,
      },
      groups: gridFor(code.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
