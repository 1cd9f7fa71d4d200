/**
 * Nested prefixes of a dictionary in one pass: what every prefix leaves of the target, and what the gradients need of it.
 *
 * With bounds M_1 < … < M_G and weights w: `rest[g] = target - bias - Σ_{latent < M_g} value · w[latent]`, and in their
 * place `suffix[g] = Σ_{g' ≥ g} w_g' · rest[g']`. The derivative of `Σ_g w_g |rest[g]|²` by an entry of block g needs
 * `suffix[g]` only, that by the bias needs the first one. Source: architectures spec, section 6.
 *
 * Against a plain decode with its residual the traffic grows by the rows of `suffix`; entries and decoder rows are read once.
 * @module
 */
import source from "../../shaders/decode_prefixes.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import { roundUp } from "../tensor/shards.ts";
import type { CodeByRow } from "./code.ts";
import { type ColumnPlan, PARTS, planColumns, THREADS } from "./common.ts";
import type { Operand } from "./operand.ts";
import { entriesOf, planGather } from "./gathers.ts";
import type { PrefixTable } from "./prefix_table.ts";

/** Rests that a thread keeps, in vec4s, where it can choose. */
const REST_VECTORS = 20;

/** What to decode. */
export interface DecodePrefixesArgs {
  /** The code. */
  code: CodeByRow;
  /** Decoder rows [latents, d]. */
  w: Rows;
  /** The buffers of `w` as they were loaded for gathering, if they were. */
  loaded?: readonly Operand[];
  /** f32 [rows, d padded]: target less bias. */
  start: GPUBuffer;
  /** Bounds and weights. */
  table: PrefixTable;
  /** f32 [prefixes · rows, d padded]: row g · rows + r is the suffix sum of row r from prefix g on. */
  suffix: GPUBuffer;
  /** f32 [rows, d padded]: what all latents leave. */
  residual: GPUBuffer;
  /** f32 [`squareRows`, `squareStride`]: parts of the squared rests of each prefix. */
  squares: GPUBuffer;
}

/** Decode of nested prefixes. */
export const decodePrefixes = {
  kernel: defineKernel({
    name: "decode_prefixes",
    source,
    parts: PARTS,
    buffers: [
      "spans",
      "entries",
      "w",
      "start",
      "table",
      "suffix",
      "residual",
      "squares",
    ],
    dims: ["rows", "d4", "threads", "firstLatent", "latents"],
  }),

  /** Columns of a thread: as in a plain decode, but so few that all rests fit registers. */
  plan(d: number, prefixes: number, facts: Pick<DeviceFacts, "software" | "tuning">): ColumnPlan {
    const plan = planColumns(d, facts);
    let { columns } = plan;
    while (columns > 1 && columns * prefixes > REST_VECTORS) columns /= 2;
    return { ...plan, columns, threads: Math.ceil(Math.ceil(d / 4) / columns) };
  },

  /** Rows of `squares` and floats of one of them: a row a thread, summed by columns afterwards. */
  squareShape(
    { rows, d, prefixes }: { rows: number; d: number; prefixes: number },
    facts: Pick<DeviceFacts, "software" | "tuning">,
  ): { rows: number; stride: number } {
    return {
      rows: rows * decodePrefixes.plan(d, prefixes, facts).threads,
      stride: roundUp(prefixes, 4),
    };
  },

  /** A multiply-add an entry and column, two more a prefix and column; rows of w without reuse. */
  cost(
    { rows, k, d, prefixes }: { rows: number; k: number; d: number; prefixes: number },
  ): Cost {
    return {
      flops: 2 * rows * d * (k + 2 * prefixes),
      bytes: 4 * rows * (k * d + 2 * k + (2 + prefixes) * d),
    };
  },

  /** One dispatch a buffer of `w`, after copies of what it reads from elsewhere. */
  record(gpu: Gpu, args: DecodePrefixesArgs): Command[] {
    const { code, w, table } = args;
    const { prefixes } = table;
    const { columns, threads, near } = decodePrefixes.plan(w.cols, prefixes, gpu.facts);
    const d4 = w.stride / 4;
    return w.shards.flatMap((shard, i) => {
      const { defines, buffers, copies } = planGather(gpu, {
        w: {
          from: args.loaded?.[i] ?? shard.buffer,
          most: shard.rows * d4,
          reads: entriesOf(code) * d4 * shard.rows / w.rows,
        },
      });
      const dispatch = decodePrefixes.kernel.dispatch(gpu, {
        defines: {
          COLUMNS: columns,
          NEAR: near,
          PREFIXES: prefixes,
          QUADS: Math.ceil(prefixes / 4),
          FIRST: i === 0 ? 1 : 0,
          LAST: i === w.shards.length - 1 ? 1 : 0,
          ...defines,
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
          entries: code.entries,
          ...buffers,
          start: args.start,
          table: table.buffer,
          suffix: args.suffix,
          residual: args.residual,
          squares: args.squares,
        },
        groups: gridFor(code.rows * threads, THREADS, gpu.facts.maxGroups),
      });
      return [...copies, dispatch];
    });
  },
};
