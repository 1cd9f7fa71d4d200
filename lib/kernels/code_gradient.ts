/**
 * Derivative of the loss by every entry of the code: `dz = scale · residual[row] · w[latent]`.
 * @module
 */
import source from "../../shaders/code_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import { type CodeByRow, planRowThreads } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";
import type { Operand } from "./operand.ts";
import { entriesOf, planGather } from "./gathers.ts";
import type { PrefixTable } from "./prefix_table.ts";

/** What to differentiate. */
export interface CodeGradientArgs {
  /** The code; its `dz` is written. */
  code: CodeByRow;
  /** Decoder rows [latents, d]. */
  w: Rows;
  /** The buffers of `w` as they were loaded for gathering, if they were. */
  loaded?: readonly Operand[];
  /** f32 [rows, d padded]; with `table` [prefixes · rows, d padded], one block of rows a prefix. */
  residual: GPUBuffer;
  /** Prefixes with residuals of their own: an entry takes those of the first prefix that has its latent. */
  table?: PrefixTable;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** Place of the factor in it. */
  scaleWord: number;
  /** Add to what is there; entries without a row in `w` are left as they are in any case. */
  add?: boolean;
}

/** The code gradient. */
export const codeGradient = {
  kernel: defineKernel({
    name: "code_gradient",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "w", "residual", "scalars", "table", "dz"],
    dims: ["rows", "d4", "capacity", "quads", "firstLatent", "latents", "scaleWord"],
  }),

  /** A multiply-add an entry and column; rows of w without reuse. */
  cost({ rows, k, d }: { rows: number; k: number; d: number }): Cost {
    return { flops: 2 * rows * k * d, bytes: 4 * rows * (k * d * 1.25 + 2 * k) };
  },

  /** One dispatch a buffer of `w`, after copies of what it reads from elsewhere. */
  record(gpu: Gpu, args: CodeGradientArgs): Command[] {
    const { code, w, residual, table, scalars, scaleWord } = args;
    const { threads: quads, strided } = planRowThreads(code.capacity, 4);
    const d4 = w.stride / 4;
    const blocks = table?.prefixes ?? 1;
    return w.shards.flatMap((shard, i) => {
      const reads = entriesOf(code) * d4 * shard.rows / w.rows;
      const { defines, buffers, copies } = planGather(gpu, {
        w: { from: args.loaded?.[i] ?? shard.buffer, most: shard.rows * d4, reads },
        // Four entries share a load, of prefixes two.
        residual: { from: residual, most: blocks * code.rows * d4, reads: reads / (table ? 2 : 4) },
      });
      const dispatch = codeGradient.kernel.dispatch(gpu, {
        defines: {
          PREFIXES: table?.prefixes ?? 0,
          ADD: args.add ? 1 : 0,
          STRIDED: strided,
          // What an adapter on the CPU does for one lane all lanes wait for: the first entries of rows, which lie in many
          // prefixes, had better be together. On hardware the threads of a row share its residual.
          TURNED: table && gpu.facts.software ? 1 : 0,
          ...defines,
        },
        dims: {
          rows: code.rows,
          d4,
          capacity: code.capacity,
          quads,
          firstLatent: shard.firstRow,
          latents: shard.rows,
          scaleWord,
        },
        buffers: {
          spans: code.spans,
          entries: code.entries,
          ...buffers,
          scalars,
          table: table?.buffer ?? code.spans,
          dz: code.dz,
        },
        groups: gridFor(code.rows * quads, THREADS, gpu.facts.maxGroups),
      });
      return [...copies, dispatch];
    });
  },
};
