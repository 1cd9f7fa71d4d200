/**
 * Cuts lists that have grown too long back to their largest values.
 * @module
 */
import source from "../../shaders/trim_rows.wgsl" with { type: "text" };
import countSource from "../../shaders/trim_rows_count.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { RowLists } from "./capacity.ts";
import { PARTS, THREADS } from "./common.ts";

/** When a cut happens. */
export interface TrimArgs {
  /** Whether no slice was appended but the first: what was cut in an earlier batch is forgotten. */
  first: boolean;
  /** Whether all slices were appended: lists come down to what rows may keep, not only where they have to. */
  last: boolean;
}

/** The cut. */
export const trimRows = {
  kernel: defineKernel({
    name: "trim_rows",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "floors"],
    dims: ["rows", "most", "keep", "first"],
  }),

  countKernel: defineKernel({
    name: "trim_rows",
    source: countSource,
    parts: PARTS,
    buffers: ["floors", "scalars"],
    dims: ["rows", "word"],
  }),

  /** Fifteen compares an entry and pass, of eight; entries nine times, `k` of a row. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 120 * rows * k, bytes: 8 * rows * (k * 9 + 2) };
  },

  /** One dispatch: lists without room for another slice are cut. */
  record(gpu: Gpu, { code, floors, capacity, keep, slice }: RowLists, args: TrimArgs): Dispatch {
    return trimRows.kernel.dispatch(gpu, {
      dims: {
        rows: code.rows,
        most: args.last ? keep : Math.max(keep, capacity - slice),
        keep,
        first: args.first ? 1 : 0,
      },
      buffers: { spans: code.spans, entries: code.entries, floors },
      groups: gridFor(code.rows, THREADS, gpu.facts.maxGroups),
    });
  },

  /** One dispatch: the number of rows that were cut, into a word of `scalars` or added to it. */
  recordCount(
    gpu: Gpu,
    { code, floors }: RowLists,
    to: { scalars: GPUBuffer; word: number; add?: boolean },
  ): Dispatch {
    return trimRows.countKernel.dispatch(gpu, {
      label: "count",
      defines: { ADD: to.add ? 1 : 0 },
      dims: { rows: code.rows, word: to.word },
      buffers: { floors, scalars: to.scalars },
      groups: [1, 1, 1],
    });
  },
};
