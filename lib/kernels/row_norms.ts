/**
 * Lengths of the rows of a matrix, such as the decoder norms that penalties and gates look at.
 * @module
 */
import source from "../../shaders/row_norms.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** Row lengths. */
export const rowNorms = {
  kernel: defineKernel({
    name: "row_norms",
    source,
    parts: PARTS,
    buffers: ["w", "norms"],
    dims: ["rows", "d4", "firstRow"],
  }),

  /** The matrix once. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 2 * rows * d, bytes: 4 * rows * (d + 1) };
  },

  /**
   * One dispatch a buffer of `w`; `norms` is f32 [rows].
   * @param join take what is in `norms` as the length of what stands before each row
   */
  record(gpu: Gpu, w: Rows, norms: GPUBuffer, join = false): Dispatch[] {
    return w.shards.map((shard) =>
      rowNorms.kernel.dispatch(gpu, {
        defines: { JOIN: join ? 1 : 0 },
        dims: { rows: shard.rows, d4: w.stride / 4, firstRow: shard.firstRow },
        buffers: { w: shard.buffer, norms },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
