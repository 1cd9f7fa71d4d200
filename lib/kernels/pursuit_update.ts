/**
 * An iteration of matching pursuit on residuals: the largest score becomes a pick, and rows stop.
 * @module
 */
import source from "../../shaders/pursuit_update.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { THREADS } from "./common.ts";
import { type Picks, PURSUIT_PARTS, ROW_LANES, sumsInSubgroups } from "./picks.ts";

/** What to update. */
export interface PursuitUpdateArgs {
  /** Picks, stopped rows, and the largest scores. */
  picks: Picks;
  /** Latents' rows [latents, d]. */
  w: Rows;
  /** f32 [rows, d padded]: residuals. */
  residual: GPUBuffer;
  /** First row that is looked at. */
  firstRow: number;
  /** Rows that are looked at. */
  rows: number;
  /** Iteration, from 0. */
  t: number;
  /** Whether only positive scores are picked. */
  relu: boolean;
  /** Length of a residual below which a row stops; 0 for none. */
  threshold: number;
  /** Whether a row stops when a pick leaves its set of latents as it was. */
  stopOnDuplicates: boolean;
  /** u32 [iterations], zero before: rows that have not stopped after each. */
  running: GPUBuffer;
}

/** An iteration on residuals. */
export const pursuitUpdate = {
  kernel: defineKernel({
    name: "pursuit_update",
    source,
    parts: PURSUIT_PARTS,
    buffers: ["best", "w", "residual", "latents", "values", "done", "running"],
    dims: [
      "rows",
      "firstRow",
      "d4",
      "capacity",
      "t",
      "firstLatent",
      "latentCount",
      "threshold",
    ],
  }),

  /** A multiply-add a column; the residual twice, a row of w once. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 2 * rows * d, bytes: 12 * rows * d };
  },

  /** One dispatch a buffer of `w`. */
  record(gpu: Gpu, args: PursuitUpdateArgs): Dispatch[] {
    const { picks, w } = args;
    return w.shards.map((shard) =>
      pursuitUpdate.kernel.dispatch(gpu, {
        defines: {
          SUBGROUPS: sumsInSubgroups(gpu.facts),
          RELU: args.relu ? 1 : 0,
          THRESHOLD: args.threshold > 0 ? 1 : 0,
          DUPLICATES: args.stopOnDuplicates ? 1 : 0,
        },
        dims: {
          rows: args.rows,
          firstRow: args.firstRow,
          d4: Math.ceil(w.cols / 4),
          capacity: picks.capacity,
          t: args.t,
          firstLatent: shard.firstRow,
          latentCount: shard.rows,
          threshold: args.threshold,
        },
        buffers: {
          best: picks.best,
          w: shard.buffer,
          residual: args.residual,
          latents: picks.latents,
          values: picks.values,
          done: picks.done,
          running: args.running,
        },
        groups: gridFor(args.rows * ROW_LANES, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
