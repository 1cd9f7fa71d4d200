/**
 * Gathers listed encoder rows and biases into a panel.
 * @module
 */
import source from "../../shaders/gather_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to gather. */
export interface GatherArgs {
  /** u32: latents. */
  list: GPUBuffer;
  /** u32: how many of them; a slice of 4 bytes. */
  count: GPUBuffer;
  /** First place of the list. */
  first: number;
  /** Rows of the panel. */
  width: number;
  /** Matrix to gather from. */
  w: Rows;
  /** f32 [latents]. */
  bias: GPUBuffer;
  /** f32 [width, d padded]. */
  panel: GPUBuffer;
  /** f32 [width]. */
  panelBias: GPUBuffer;
}

/** Gathering. */
export const gatherRows = {
  kernel: defineKernel({
    name: "gather_rows",
    source,
    parts: PARTS,
    buffers: ["list", "count", "w", "bias", "panel", "panelBias"],
    dims: ["first", "width", "d4", "firstLatent", "latents"],
  }),

  /** The panel twice. */
  cost({ width, d }: { width: number; d: number }): Cost {
    return { flops: 0, bytes: 8 * width * d };
  },

  /** One dispatch a buffer of `w`. */
  record(gpu: Gpu, args: GatherArgs): Dispatch[] {
    const d4 = args.w.stride / 4;
    return args.w.shards.map((shard) =>
      gatherRows.kernel.dispatch(gpu, {
        dims: {
          first: args.first,
          width: args.width,
          d4,
          firstLatent: shard.firstRow,
          latents: shard.rows,
        },
        buffers: {
          list: args.list,
          count: args.count,
          w: shard.buffer,
          bias: args.bias,
          panel: args.panel,
          panelBias: args.panelBias,
        },
        groups: gridFor(args.width * d4, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
