/**
 * Sparse decode of a code's derivatives by groups of latents: `out[g][r] = Σ dz · w[latent]` over the entries of row r
 * whose latent is in group g.
 * @module
 */
import source from "../../shaders/decode_groups.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, planColumns, THREADS } from "./common.ts";
import { entriesOf, planGather } from "./gathers.ts";

/** What to decode. */
export interface DecodeGroupsArgs {
  /** The code; its `dz` are the weights. */
  code: CodeByRow;
  /** Rows [latents, d]. */
  w: Rows;
  /** Latents of a group. */
  size: number;
  /** First group. */
  firstGroup: number;
  /** Groups. */
  groups: number;
  /** f32 [groups, blockRows, d padded]. */
  out: GPUBuffer;
  /** Rows of `out` from a group to the next. */
  blockRows: number;
  /** Add to what is there; otherwise rows without entries get zero. */
  add?: boolean;
}

/** The decode by groups. */
export const decodeGroups = {
  kernel: defineKernel({
    name: "decode_groups",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "dz", "w", "out"],
    dims: [
      "rows",
      "d4",
      "threads",
      "size",
      "firstGroup",
      "groups",
      "outGroup",
      "group4",
      "firstLatent",
      "latents",
    ],
  }),

  /** A multiply-add an entry and column; rows of w without reuse, `n` groups of rows out. */
  cost({ rows, k, d, n }: { rows: number; k: number; d: number; n: number }): Cost {
    return { flops: 2 * rows * k * d, bytes: 4 * rows * (k * d + 3 * k + n * d) };
  },

  /** One dispatch for each buffer of `w` with latents of these groups, after copies of what it reads from elsewhere. */
  record(gpu: Gpu, args: DecodeGroupsArgs): Command[] {
    const { code, w, size, firstGroup, groups, out, blockRows, add } = args;
    const { columns, threads, near } = planColumns(w.cols, gpu.facts);
    const [begin, end] = [firstGroup * size, (firstGroup + groups) * size];
    const shards = w.shards.filter((s) => s.firstRow < end && s.firstRow + s.rows > begin);
    return shards.flatMap((shard, i) => {
      // The first buffer starts the rows of all groups, the others go on with those that they hold latents of.
      const first = i === 0 ? firstGroup : Math.floor(shard.firstRow / size);
      const last = i === 0
        ? firstGroup + groups - 1
        : Math.floor((Math.min(end, shard.firstRow + shard.rows) - 1) / size);
      const rows = Math.min(end, shard.firstRow + shard.rows) - Math.max(begin, shard.firstRow);
      const { defines, buffers: read, copies } = planGather(gpu, {
        w: {
          from: shard.buffer,
          most: shard.rows * w.stride / 4,
          reads: entriesOf(code) * w.stride / 4 * rows / w.rows,
        },
      });
      const dispatch = decodeGroups.kernel.dispatch(gpu, {
        defines: { COLUMNS: columns, NEAR: near, ADD: add || i > 0 ? 1 : 0, ...defines },
        dims: {
          rows: code.rows,
          d4: w.stride / 4,
          threads,
          size,
          firstGroup: first,
          groups: last - first + 1,
          outGroup: firstGroup,
          group4: blockRows * w.stride / 4,
          firstLatent: shard.firstRow,
          latents: shard.rows,
        },
        buffers: { spans: code.spans, entries: code.entries, dz: code.dz, ...read, out },
        groups: gridFor(code.rows * threads, THREADS, gpu.facts.maxGroups),
      });
      return [...copies, dispatch];
    });
  },
};
