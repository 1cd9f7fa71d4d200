/**
 * Moves listed rows from one matrix to another, scaled and if asked for normalised: a model's activations to a block, a
 * block's rows to a batch.
 * @module
 */
import source from "../../shaders/move_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { RowNorm } from "../tensor/row_norm.ts";

/** A row of a pair that moves nothing. */
export const NO_ROW = 0xffffffff;

/** What to move. */
export interface MoveArgs {
  /** u32 [pairs, 2]: row of the source, row of the target; a target row at most once. */
  list: GPUBuffer;
  /** Number of pairs; those with {@link NO_ROW} are left out. */
  pairs: number;
  /** Where rows come from; its stride may be any. */
  source: Rows;
  /** Where rows go to, as wide as the source; its padding becomes zero. */
  target: Rows;
  /** Factor, after the norm. */
  scale: number;
  /** What is done to each row. */
  norm?: RowNorm;
  /** u32: becomes the lowest target row that got NaN or an infinity, where it was above that. */
  bad: GPUBuffer;
}

/** Moving. */
export const moveRows = {
  kernel: defineKernel({
    name: "move_rows",
    source,
    buffers: ["list", "source", "moved", "bad"],
    dims: [
      "pairs",
      "d",
      "sourceStride",
      "firstSource",
      "sources",
      "movedStride",
      "firstMoved",
      "movedRows",
      "scale",
    ],
  }),

  /** The rows twice. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: rows * d, bytes: 8 * rows * (d + 1) };
  },

  /** One dispatch a pair of buffers. */
  record(gpu: Gpu, { list, pairs, source, target, scale, norm, bad }: MoveArgs): Dispatch[] {
    if (source.cols !== target.cols) {
      throw new RangeError(
        `Cannot move rows of "${source.label}" to "${target.label}": ${source.cols} columns to ${target.cols}`,
      );
    }
    return source.shards.flatMap((from) =>
      target.shards.map((to) =>
        moveRows.kernel.dispatch(gpu, {
          label: target.label,
          defines: { NORMED: norm ? 1 : 0, CENTRED: norm === "layer_norm" ? 1 : 0 },
          dims: {
            pairs,
            d: source.cols,
            sourceStride: source.stride,
            firstSource: from.firstRow,
            sources: from.rows,
            movedStride: target.stride,
            firstMoved: to.firstRow,
            movedRows: to.rows,
            scale,
          },
          buffers: { list, source: from.buffer, moved: to.buffer, bad },
          groups: gridFor(pairs, 1, gpu.facts.maxGroups),
        })
      )
    );
  },
};
