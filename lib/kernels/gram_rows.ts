/**
 * Products of all pairs of rows of a matrix, `W Wᵀ`, in a texture, on adapters that compute on the CPU: half of them are
 * computed, and all are written.
 * @module
 */
import source from "../../shaders/gram_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import { ROW_UNIT, type Rows } from "../gpu/rows.ts";
import { copyToTexels, sharedTexels, type TexelRows, texelRowsFit } from "../gpu/texels.ts";
import { roundUp } from "../tensor/shards.ts";
import { PARTS } from "./common.ts";

/** Columns of a dispatch: rows of W that stay in caches while all others pass by. */
const PANEL = 1024;

/** Sizes of a tile. */
export interface GramPlan {
  /** Threads of a subgroup, which hold four columns each. */
  LANES: number;
  /** Rows. */
  ROWS: number;
}

/** What to multiply. */
export interface GramArgs {
  /** [rows, d], in one buffer or several. */
  w: Rows;
  /** [rows, rows]: where the products go. */
  gram: TexelRows;
}

/** Products of all pairs of rows. */
export const gramRows = {
  kernel: defineKernel({
    name: "gram_rows",
    source,
    parts: PARTS,
    buffers: ["a", "b", "gram"],
    dims: ["d4", "firstRow", "rows", "firstCol", "begin", "cols", "tiles", "groups"],
  }),

  /** Sizes of a tile, or nothing where a device cannot, or is better off with an ordinary product; pure. */
  plan(facts: DeviceFacts, { rows, d }: { rows: number; d: number }): GramPlan | undefined {
    const lanes = facts.subgroupSize;
    const fits = texelRowsFit(facts, rows, rows) &&
      roundUp(rows, ROW_UNIT) * Math.ceil(d / 4) <= facts.maxTexels;
    const able = facts.software && lanes >= 4 && lanes <= 16 && 32 % lanes === 0;
    return able && fits ? { LANES: lanes, ROWS: lanes === 16 ? 64 : 32 } : undefined;
  },

  /** Multiply-adds of half of the products; W once, the products once. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: rows * (rows + 1) * d, bytes: 4 * (rows * d + rows * rows) };
  },

  /**
   * Copies of the buffers of W, and dispatches for each pair of them, one a panel of columns.
   * @throws Error on a device that cannot, see {@link gramRows.plan}
   */
  record(gpu: Gpu, { w, gram }: GramArgs): Command[] {
    const plan = gramRows.plan(gpu.facts, { rows: w.rows, d: w.cols });
    if (!plan) throw new Error("Cannot multiply pairs of rows: this device has no plan for it");
    const count = (i: number) => roundUp(w.shards[i].rows, ROW_UNIT) * w.stride / 4;
    const copies: Command[] = [];
    const texels = w.shards.map(({ buffer }, i) => {
      const room = sharedTexels(gpu, count(i), `rows of all pairs ${i}`);
      copies.push(copyToTexels(buffer, room, count(i)));
      return room;
    });
    const panel = (i: number, j: number, first: number) => {
      const [left, right] = [w.shards[i], w.shards[j]];
      const cols = Math.min(PANEL, right.rows - first);
      // Nothing is below the diagonal.
      const rows = i === j ? first + cols : left.rows;
      const tiles = Math.ceil(cols / (plan.LANES * 4));
      const groups = tiles * Math.ceil(rows / plan.ROWS);
      return gramRows.kernel.dispatch(gpu, {
        defines: { ...plan },
        dims: {
          d4: w.stride / 4,
          firstRow: left.firstRow,
          rows,
          firstCol: right.firstRow,
          begin: first,
          cols: right.rows,
          tiles,
          groups,
        },
        buffers: { a: texels[i], b: texels[j], gram: gram.texels },
        groups: gridFor(groups, 1, gpu.facts.maxGroups),
      });
    };
    const pair = (i: number, j: number) =>
      Array.from(
        { length: Math.ceil(w.shards[j].rows / PANEL) },
        (_, p) => panel(i, j, p * PANEL),
      );
    const pairs = w.shards.flatMap((_, i) => w.shards.slice(i).flatMap((_, j) => pair(i, i + j)));
    return [...copies, ...pairs];
  },
};
