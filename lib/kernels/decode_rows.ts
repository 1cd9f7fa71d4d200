/**
 * Sparse decode: `recon[r] = bias + Σ value · w[latent]` over the entries of row r, latents ascending.
 * @module
 */
import source from "../../shaders/decode_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, planColumns, THREADS } from "./common.ts";
import type { Operand } from "./operand.ts";
import { entriesOf, planGather } from "./gathers.ts";

/** What to decode. */
export interface DecodeArgs {
  /** The code. */
  code: CodeByRow;
  /** Decoder rows [latents, d]. */
  w: Rows;
  /** The buffers of `w` as they were loaded for gathering, if they were. */
  loaded?: readonly Operand[];
  /** Whether `w` has a row for every latent of the code; where it has not, entries without a row are left out. */
  whole?: boolean;
  /** f32 [d, padded]: start of every row; zero when absent. */
  bias?: GPUBuffer;
  /** f32 [rows, d padded]. */
  recon: GPUBuffer;
}

/** The sparse decode. */
export const decodeRows = {
  kernel: defineKernel({
    name: "decode_rows",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "w", "bias", "recon"],
    dims: ["rows", "d4", "threads", "firstLatent", "latents"],
  }),

  /** A multiply-add an entry and column; rows of w without reuse. */
  cost({ rows, k, d }: { rows: number; k: number; d: number }): Cost {
    return { flops: 2 * rows * k * d, bytes: 4 * rows * (k * d + 2 * k + d) };
  },

  /** One dispatch a buffer of `w`, after copies of what it reads from elsewhere. */
  record(gpu: Gpu, { code, w, loaded, whole, bias, recon }: DecodeArgs): Command[] {
    const { columns, threads, near } = planColumns(w.cols, gpu.facts);
    const d4 = w.stride / 4;
    return w.shards.flatMap((shard, i) => {
      const { defines, buffers, copies } = planGather(gpu, {
        entries: { from: code.entries, reads: entriesOf(code) * threads, words: true },
        w: {
          from: loaded?.[i] ?? shard.buffer,
          most: shard.rows * d4,
          reads: entriesOf(code) * d4 * shard.rows / w.rows,
        },
      });
      const dispatch = decodeRows.kernel.dispatch(gpu, {
        defines: {
          COLUMNS: columns,
          NEAR: near,
          ADD: i > 0 ? 1 : 0,
          BIAS: bias ? 1 : 0,
          ...defines,
          PAIRS: whole && w.shards.length === 1 && Object.values(defines).every(Boolean) ? 1 : 0,
        },
        dims: {
          rows: code.rows,
          d4,
          threads,
          firstLatent: shard.firstRow,
          latents: shard.rows,
        },
        buffers: {
          spans: code.spans,
          ...buffers,
          bias: bias ?? code.spans,
          recon,
        },
        groups: gridFor(code.rows * threads, THREADS, gpu.facts.maxGroups),
      });
      return [...copies, dispatch];
    });
  },
};
