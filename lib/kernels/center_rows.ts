/**
 * The encoder's input: rows less a bias.
 * @module
 */
import source from "../../shaders/center_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to centre. */
export interface CenterArgs {
  /** Rows. */
  rows: number;
  /** Columns. */
  d: number;
  /** f32 [rows, d padded]. */
  x: GPUBuffer;
  /** f32 [d padded]. */
  bias: GPUBuffer;
  /** f32 [rows, d padded]. */
  centred: GPUBuffer;
}

/** Centring. */
export const centerRows = {
  kernel: defineKernel({
    name: "center_rows",
    source,
    parts: PARTS,
    buffers: ["x", "bias", "centred"],
    dims: ["count4", "d4"],
  }),

  /** The matrix twice. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: rows * d, bytes: 8 * rows * d };
  },

  /** One dispatch. */
  record(gpu: Gpu, { rows, d, x, bias, centred }: CenterArgs): Dispatch {
    const d4 = Math.ceil(d / 4);
    return centerRows.kernel.dispatch(gpu, {
      dims: { count4: rows * d4, d4 },
      buffers: { x, bias, centred },
      groups: gridFor(rows * d4, THREADS, gpu.facts.maxGroups),
    });
  },
};
