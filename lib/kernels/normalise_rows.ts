/**
 * Scales rows to a given length.
 * @module
 */
import source from "../../shaders/normalise_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** Row normalisation. */
export const normaliseRows = {
  kernel: defineKernel({
    name: "normalise_rows",
    source,
    parts: PARTS,
    buffers: ["w"],
    dims: ["rows", "d4", "length"],
  }),

  /** The matrix three times. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 3 * rows * d, bytes: 12 * rows * d };
  },

  /** One dispatch a buffer. */
  record(gpu: Gpu, w: Rows, length = 1): Dispatch[] {
    return w.shards.map((shard) =>
      normaliseRows.kernel.dispatch(gpu, {
        dims: { rows: shard.rows, d4: w.stride / 4, length },
        buffers: { w: shard.buffer },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
