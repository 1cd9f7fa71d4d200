/**
 * Gradients of latent-major matrices from the code by latent, rows in order.
 * @module
 */
import source from "../../shaders/grad_latents.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, planColumns, THREADS } from "./common.ts";
import type { PrefixTable } from "./prefix_table.ts";

/** What to sum. */
export interface GradLatentsArgs {
  /** The code by latent. */
  code: CodeByLatent;
  /** `value`: gradient of W_dec; `dz`: gradient of W_enc and, in `gradBias`, of b_enc. */
  weight: "value" | "dz";
  /** f32 [rows, d padded]: residual for `value`, centred input for `dz`. */
  rows: GPUBuffer;
  /** Prefixes with blocks of rows of their own: a latent takes those of the first prefix that has it. */
  table?: PrefixTable;
  /** Rows of a block; needed with `table`. */
  rowsOfPrefix?: number;
  /** Gradient [latents, d] of latents from `firstLatent` on. */
  grad: Rows;
  /** First latent of `grad`; 0 when absent. */
  firstLatent?: number;
  /** f32 [latents]; written with `dz`. */
  gradBias?: GPUBuffer;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** Place of the factor of `value`. */
  scaleWord: number;
  /** Add to what is there; otherwise latents without entries get zero. */
  add?: boolean;
}

/** Gradients by latent. */
export const gradLatents = {
  kernel: defineKernel({
    name: "grad_latents",
    source,
    parts: PARTS,
    buffers: ["offsets", "placed", "rows", "scalars", "table", "grad", "gradBias"],
    dims: ["latents", "d4", "threads", "firstLatent", "scaleWord", "rowsOfPrefix"],
  }),

  /** A multiply-add an entry and column. */
  cost({ rows, k, d, latents }: { rows: number; k: number; d: number; latents: number }): Cost {
    return { flops: 2 * rows * k * d, bytes: 4 * (rows * k * (d + 4) + latents * d) };
  },

  /** One dispatch a buffer of `grad`. */
  record(gpu: Gpu, args: GradLatentsArgs): Dispatch[] {
    const { code, grad } = args;
    const { columns, threads, near } = planColumns(grad.cols, gpu.facts);
    return grad.shards.map((shard) =>
      gradLatents.kernel.dispatch(gpu, {
        label: args.weight,
        defines: {
          COLUMNS: columns,
          NEAR: near,
          BY_VALUE: args.weight === "value" ? 1 : 0,
          ADD: args.add ? 1 : 0,
          PREFIXES: args.table?.prefixes ?? 0,
        },
        dims: {
          latents: shard.rows,
          d4: grad.stride / 4,
          threads,
          firstLatent: (args.firstLatent ?? 0) + shard.firstRow,
          scaleWord: args.scaleWord,
          rowsOfPrefix: args.rowsOfPrefix ?? 0,
        },
        buffers: {
          offsets: code.offsets,
          placed: code.placed,
          rows: args.rows,
          scalars: args.scalars,
          table: args.table?.buffer ?? code.offsets,
          grad: shard.buffer,
          // Bound in any case; not touched with `value`.
          gradBias: args.gradBias ?? code.chunkStarts,
        },
        groups: gridFor(shard.rows * threads, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
