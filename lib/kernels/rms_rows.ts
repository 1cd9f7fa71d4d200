/**
 * RMS norm of every head of every row, and its derivatives.
 * @module
 */
import source from "../../shaders/rms_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to normalise. */
export interface RmsArgs {
  /** Rows. */
  rows: number;
  /** Heads of a row, one beside the other. */
  heads: number;
  /** Numbers of a head, a multiple of 4. */
  width: number;
  /** Floats of a row of `x`, `y` and `parts`. */
  stride: number;
  /** Added to the mean of squares. */
  eps: number;
  /** f32 [rows, stride]. */
  x: GPUBuffer;
  /** f32 [heads · width]: the gain. */
  w: GPUBuffer;
  /** f32 [rows, stride]: output; with `backward` the derivative by the output becomes that by `x`. */
  y: GPUBuffer;
  /** f32 [rows, stride]: with `backward` the summands of the gain's derivative, by row; else left alone. */
  parts: GPUBuffer;
  /** Differentiate. */
  backward?: boolean;
}

/** RMS norms. */
export const rmsRows = {
  kernel: defineKernel({
    name: "rms_rows",
    source,
    parts: PARTS,
    buffers: ["x", "w", "y", "parts"],
    dims: ["rows", "heads", "width4", "stride4", "eps"],
  }),

  /** The numbers twice in, once out. */
  cost({ rows, width }: { rows: number; width: number }): Cost {
    return { flops: 4 * rows * width, bytes: 4 * 3 * rows * width };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: RmsArgs): Dispatch {
    const { rows, heads, width, stride, eps, backward } = args;
    return rmsRows.kernel.dispatch(gpu, {
      label: backward ? "backward" : "forward",
      defines: { BACKWARD: backward ? 1 : 0 },
      dims: { rows, heads, width4: width / 4, stride4: stride / 4, eps },
      buffers: { x: args.x, w: args.w, y: args.y, parts: args.parts },
      groups: gridFor(rows * heads, THREADS, gpu.facts.maxGroups),
    });
  },
};
