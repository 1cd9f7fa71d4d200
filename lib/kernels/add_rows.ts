/**
 * Adds to every row of a gradient a multiple of that row of another matrix, or of one vector.
 * @module
 */
import source from "../../shaders/add_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to add. */
export interface AddRowsArgs {
  /** Changed in place. */
  grad: Rows;
  /** Rows split like `grad`, or f32 [d padded]: one row for all. */
  rows: Rows | GPUBuffer;
  /** f32: a record of `step` words a row, one word of which is the weight. */
  weights: GPUBuffer;
  /** Words of a record; 1 when absent. */
  step?: number;
  /** Place of the weight in it; 0 when absent. */
  place?: number;
}

/** Weighted rows. */
export const addRows = {
  kernel: defineKernel({
    name: "add_rows",
    source,
    parts: PARTS,
    buffers: ["weights", "w", "grad"],
    dims: ["rows", "d4", "firstRow", "step", "place"],
  }),

  /** The gradient twice, the rows once. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 2 * rows * d, bytes: 4 * rows * (3 * d + 1) };
  },

  /** One dispatch a buffer of `grad`. */
  record(gpu: Gpu, { grad, rows, weights, step = 1, place = 0 }: AddRowsArgs): Dispatch[] {
    const own = "shards" in rows ? rows : undefined;
    return grad.shards.map((shard, i) => {
      if (own && (own.shards[i]?.rows !== shard.rows || own.stride !== grad.stride)) {
        throw new RangeError(`Cannot add "${own.label}": it is split unlike "${grad.label}"`);
      }
      return addRows.kernel.dispatch(gpu, {
        label: grad.label,
        defines: { OWN: own ? 1 : 0 },
        dims: { rows: shard.rows, d4: grad.stride / 4, firstRow: shard.firstRow, step, place },
        buffers: { weights, w: own ? own.shards[i].buffer : rows as GPUBuffer, grad: shard.buffer },
        groups: gridFor(shard.rows * grad.stride / 4, THREADS, gpu.facts.maxGroups),
      });
    });
  },
};
