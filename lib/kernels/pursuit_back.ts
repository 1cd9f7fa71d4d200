/**
 * The way back through the picks of a matching pursuit: what every pick gives to the gradient of its latent's row.
 * @module
 */
import source from "../../shaders/pursuit_back.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { THREADS } from "./common.ts";
import { type Picks, PURSUIT_PARTS, ROW_LANES, sumsInSubgroups } from "./picks.ts";

/** What to walk back through. */
export interface PursuitBackArgs {
  /** Picks with their `order`. */
  picks: Picks;
  /** Latents' rows in one buffer; absent where `shares` holds the rows of all picks of the chunk. */
  w?: Rows;
  /** f32 [rows, d padded]: what is left after the last pick. */
  residual: Rows;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** Place of the residuals' factor in the gradient by the reconstruction. */
  scaleWord: number;
  /** First row of the chunk. */
  firstRow: number;
  /** Rows of the chunk. */
  rows: number;
  /** f32 [rows, d padded]: residuals before the first pick. */
  before: GPUBuffer;
  /** f32 [rows, d padded]: derivative by the input of what the picks make of it. */
  back: GPUBuffer;
  /** f32 [rows of the chunk · capacity, d padded]: what the picks give, at their homes. */
  shares: GPUBuffer;
}

/** The way back. */
export const pursuitBack = {
  kernel: defineKernel({
    name: "pursuit_back",
    source,
    parts: PURSUIT_PARTS,
    buffers: ["order", "residual", "scalars", "w", "before", "back", "shares"],
    dims: ["rows", "firstRow", "d4", "capacity", "iterations", "scaleWord"],
  }),

  /** Four multiply-adds and a product a pick and column; w twice, two states read and written, a share written. */
  cost({ rows, k, d }: { rows: number; k: number; d: number }): Cost {
    return { flops: 9 * rows * k * d, bytes: 4 * rows * k * 8 * d };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: PursuitBackArgs): Dispatch {
    const { picks, residual, w } = args;
    const held = residual.shards[0].buffer;
    return pursuitBack.kernel.dispatch(gpu, {
      defines: { SUBGROUPS: sumsInSubgroups(gpu.facts), DIRECT: w ? 1 : 0 },
      dims: {
        rows: args.rows,
        firstRow: args.firstRow,
        d4: Math.ceil(residual.cols / 4),
        capacity: picks.capacity,
        iterations: picks.iterations,
        scaleWord: args.scaleWord,
      },
      buffers: {
        order: picks.order,
        residual: held,
        scalars: args.scalars,
        w: w ? w.shards[0].buffer : held,
        before: args.before,
        back: args.back,
        shares: args.shares,
      },
      groups: gridFor(args.rows * ROW_LANES, THREADS, gpu.facts.maxGroups),
    });
  },
};
