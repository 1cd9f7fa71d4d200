/**
 * Sums by latent of what the picks of a matching pursuit give to the gradient, rows in order.
 * @module
 */
import source from "../../shaders/grad_picks.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, planColumns, THREADS } from "./common.ts";
import type { Picks } from "./picks.ts";

/** What to sum. */
export interface GradPicksArgs {
  /** The code of the picks by latent, placed. */
  code: CodeByLatent;
  /** Picks with their `order`. */
  picks: Picks;
  /** f32 [rows of the chunk · capacity, d padded]: see `pursuit_back`. */
  shares: GPUBuffer;
  /** First row of the chunk; the chunk of row 0 begins anew, the others go on. */
  firstRow: number;
  /** Rows of the chunk. */
  rows: number;
  /** Gradient [latents, d]. */
  grad: Rows;
}

/** Gradients of picked latents. */
export const gradPicks = {
  kernel: defineKernel({
    name: "grad_picks",
    source,
    parts: PARTS,
    buffers: ["offsets", "placed", "order", "shares", "grad"],
    dims: ["latents", "d4", "threads", "firstLatent", "capacity", "firstRow", "endRow"],
  }),

  /** An addition an entry and column. */
  cost({ rows, k, d, latents }: { rows: number; k: number; d: number; latents: number }): Cost {
    return { flops: rows * k * d, bytes: 4 * (rows * k * (d + 8) + latents * d) };
  },

  /** One dispatch a buffer of `grad`. */
  record(gpu: Gpu, args: GradPicksArgs): Dispatch[] {
    const { code, picks, grad } = args;
    const { columns, threads, near } = planColumns(grad.cols, gpu.facts);
    return grad.shards.map((shard) =>
      gradPicks.kernel.dispatch(gpu, {
        defines: { COLUMNS: columns, NEAR: near, ADD: args.firstRow > 0 ? 1 : 0 },
        dims: {
          latents: shard.rows,
          d4: Math.ceil(grad.cols / 4),
          threads,
          firstLatent: shard.firstRow,
          capacity: picks.capacity,
          firstRow: args.firstRow,
          endRow: args.firstRow + args.rows,
        },
        buffers: {
          offsets: code.offsets,
          placed: code.placed,
          order: picks.order,
          shares: args.shares,
          grad: shard.buffer,
        },
        groups: gridFor(shard.rows * threads, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
