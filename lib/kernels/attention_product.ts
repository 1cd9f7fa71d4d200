/**
 * Products of causal attention, batched over heads and sequences: scores, mixed values, and sums over queries.
 * @module
 */
import source from "../../shaders/attention_product.wgsl" with { type: "text" };
import stripTile from "../../shaders/parts/strip_tile.wgsl" with { type: "text" };
import stagedSource from "../../shaders/attention_product_staged.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import { copyToTexels, sharedTexels } from "../gpu/texels.ts";
import { PARTS, THREADS } from "./common.ts";
import { paddedSize, type Strip, TILE } from "./strip.ts";

/**
 * `scores`: pattern = side · rightᵀ; `mix`: side = pattern · right, by query; `spread`: side = patternᵀ · right, by key.
 */
export type ProductForm = "scores" | "mix" | "spread";

/** Rows of the batch, one block of columns or of rows a head; all numbers are floats and multiples of 4. */
export interface HeadRows {
  /** The buffer. */
  buffer: GPUBuffer;
  /** First float; 0 when absent. */
  first?: number;
  /** Floats of a row. */
  stride: number;
  /** Floats from a head to the next; 0 when absent: all heads have the same rows. */
  head?: number;
}

/** What to multiply. */
export interface ProductArgs {
  /** Which product. */
  form: ProductForm;
  /** Queries and keys. */
  strip: Strip;
  /** f32, see {@link Strip}. Above the diagonal and in the padding `mix` and `spread` need zeros. */
  pattern: GPUBuffer;
  /** Rows of queries (`scores`, `mix`) or of keys (`spread`). */
  side: HeadRows;
  /** Rows of keys (`scores`, `mix`) or of queries (`spread`). */
  right: HeadRows;
  /** Columns of both. */
  width: number;
}

/** How a device multiplies. */
export interface ProductPlan {
  /** `staged` goes through workgroup memory, for hardware; the others are for adapters on the CPU. */
  variant: "staged" | "texels" | "registers";
  /** What a workgroup (`staged`) or a thread makes. */
  tile: { rows: number; cols: number };
  /** Workgroups. */
  grid: readonly [number, number, number];
}

/** Threads and bytes of workgroup memory that the staged variant needs. */
const STAGED = { threads: 128, bytes: 2 * 256 * 16 };

/** Both variants bind and measure alike. */
const INTERFACE = {
  name: "attention_product",
  parts: { ...PARTS, strip_tile: stripTile },
  buffers: ["pattern", "side", "right"],
  dims: [
    "heads",
    "sequences",
    "length",
    "firstSequence",
    "firstQuery",
    "queries",
    "width4",
    "sideFirst",
    "sideStride",
    "sideHead",
    "rightFirst",
    "rightStride",
    "rightHead",
  ],
} as const;

/** The products of attention. */
export const attentionProduct = {
  kernel: defineKernel({ ...INTERFACE, source }),
  stagedKernel: defineKernel({ ...INTERFACE, source: stagedSource }),

  /** Chooses a variant; pure. */
  plan(
    { form, strip, width }: Pick<ProductArgs, "form" | "strip" | "width">,
    facts: DeviceFacts,
  ): ProductPlan {
    const staged = !facts.software && facts.maxInvocations >= STAGED.threads &&
      facts.workgroupBytes >= STAGED.bytes;
    const { queries, keys } = paddedSize(strip);
    const tile = staged ? { rows: TILE, cols: TILE } : { rows: 8, cols: 4 };
    const down = (form === "spread" ? keys : queries) / tile.rows;
    const across = Math.ceil((form === "scores" ? keys : width) / tile.cols);
    const tiles = strip.heads * strip.sequences * down * across;
    const grid = gridFor(tiles, staged ? 1 : THREADS, facts.maxGroups);
    const variant = staged ? "staged" : facts.software ? "texels" : "registers";
    return { variant, tile, grid };
  },

  /** Half of the pairs of `rows` queries with `n` keys each count; each operand once. */
  cost({ rows, n, d }: { rows: number; n: number; d: number }): Cost {
    return { flops: rows * n * d, bytes: 4 * (2 * rows * d + rows * n / 2) };
  },

  /** One dispatch, after copies of what it reads where it reads texels. */
  record(gpu: Gpu, { form, strip, pattern, side, right, width }: ProductArgs): Command[] {
    const plan = attentionProduct.plan({ form, strip, width }, gpu.facts);
    const read = form === "scores" ? side.buffer : pattern;
    const texels = plan.variant === "texels" &&
      [read, right.buffer].every(({ size }) => size / 16 <= gpu.facts.maxTexels);
    const copies: Command[] = [];
    const bound = (buffer: GPUBuffer, use: string) => {
      if (!texels) return buffer;
      const copy = sharedTexels(gpu, Math.ceil(buffer.size / 16), use);
      copies.push(copyToTexels(buffer, copy, buffer.size / 16));
      return copy;
    };
    const given = bound(read, "attention's left side");
    const kernel = plan.variant === "staged"
      ? attentionProduct.stagedKernel
      : attentionProduct.kernel;
    const flag = (name: ProductForm) => form === name ? 1 : 0;
    const dispatch = kernel.dispatch(gpu, {
      label: form,
      defines: {
        TEXELS: texels ? 1 : 0,
        SCORES: flag("scores"),
        MIX: flag("mix"),
        SPREAD: flag("spread"),
        ROWS: plan.tile.rows,
        COLS: plan.tile.cols / 4,
      },
      dims: {
        heads: strip.heads,
        sequences: strip.sequences,
        length: strip.length,
        firstSequence: strip.firstSequence,
        firstQuery: strip.firstQuery,
        queries: strip.queries,
        width4: Math.ceil(width / 4),
        sideFirst: (side.first ?? 0) / 4,
        sideStride: side.stride / 4,
        sideHead: (side.head ?? 0) / 4,
        rightFirst: (right.first ?? 0) / 4,
        rightStride: right.stride / 4,
        rightHead: (right.head ?? 0) / 4,
      },
      buffers: {
        pattern: form === "scores" ? pattern : given,
        side: form === "scores" ? given : side.buffer,
        right: bound(right.buffer, "attention's right side"),
      },
      groups: plan.grid,
    });
    return [...copies, dispatch];
  },
};
