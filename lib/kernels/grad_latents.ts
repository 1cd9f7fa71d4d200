/**
 * Gradients of latent-major matrices from the code by latent, rows in order.
 * @module
 */
import source from "../../shaders/grad_latents.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, gridFor, type Slice } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, planColumns, THREADS } from "./common.ts";
import type { Operand } from "./operand.ts";
import { entriesOf, planGather } from "./gathers.ts";
import type { PrefixTable } from "./prefix_table.ts";

/** What to sum. */
export interface GradLatentsArgs {
  /** The code by latent. */
  code: CodeByLatent;
  /** `value`: gradient of W_dec; `dz`: gradient of W_enc and, in `gradBias`, of b_enc. */
  weight: "value" | "dz";
  /** f32 [rows, d padded]: residual for `value`, centred input for `dz`. */
  rows: GPUBuffer | Slice | Operand;
  /** Prefixes with blocks of rows of their own: a latent takes those of the first prefix that has it. */
  table?: PrefixTable;
  /** Rows of a block; needed with `table`. */
  rowsOfPrefix?: number;
  /** Gradient [latents, d] of latents from `firstLatent` on. */
  grad: Rows;
  /** First latent of `grad`; 0 when absent. */
  firstLatent?: number;
  /** Only latents [first, first + count) of `grad`; all of them when absent. */
  only?: { first: number; count: number };
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
    dims: ["latents", "d4", "threads", "firstLatent", "scaleWord", "rowsOfPrefix", "skip"],
  }),

  /** A multiply-add an entry and column. */
  cost({ rows, k, d, latents }: { rows: number; k: number; d: number; latents: number }): Cost {
    return { flops: 2 * rows * k * d, bytes: 4 * (rows * k * (d + 4) + latents * d) };
  },

  /** One dispatch a buffer of `grad` with latents that count, after copies of what it reads from elsewhere. */
  record(gpu: Gpu, args: GradLatentsArgs): Command[] {
    const { code, grad, only = { first: 0, count: grad.rows } } = args;
    const { columns, threads, near } = planColumns(grad.cols, gpu.facts);
    const parts = grad.shards.map((shard) => {
      const first = Math.max(shard.firstRow, only.first);
      const end = Math.min(shard.firstRow + shard.rows, only.first + only.count);
      return { shard, first, latents: end - first };
    });
    const blocks = args.table ? args.table.prefixes * (args.rowsOfPrefix ?? 0) : code.words * 32;
    return parts.filter(({ latents }) => latents > 0).flatMap(({ shard, first, latents }) => {
      const entries = entriesOf(code) * latents / code.latents;
      const d4 = grad.stride / 4;
      const { defines, buffers, copies } = planGather(gpu, {
        placed: { from: code.placed, reads: entries * threads, words: true },
        rows: { from: args.rows, most: blocks * d4, reads: entries * d4 },
      });
      const dispatch = gradLatents.kernel.dispatch(gpu, {
        label: args.weight,
        defines: {
          COLUMNS: columns,
          NEAR: near,
          BY_VALUE: args.weight === "value" ? 1 : 0,
          ADD: args.add ? 1 : 0,
          PREFIXES: args.table?.prefixes ?? 0,
          ...defines,
        },
        dims: {
          latents,
          d4,
          threads,
          firstLatent: (args.firstLatent ?? 0) + first,
          scaleWord: args.scaleWord,
          rowsOfPrefix: args.rowsOfPrefix ?? 0,
          skip: first - shard.firstRow,
        },
        buffers: {
          offsets: code.offsets,
          ...buffers,
          scalars: args.scalars,
          table: args.table?.buffer ?? code.offsets,
          grad: shard.buffer,
          // Bound in any case; not touched with `value`.
          gradBias: args.gradBias ?? code.chunkStarts,
        },
        groups: gridFor(latents * threads, THREADS, gpu.facts.maxGroups),
      });
      return [...copies, dispatch];
    });
  },
};
