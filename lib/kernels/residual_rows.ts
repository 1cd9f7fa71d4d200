/**
 * Residuals and the sums of each row that losses and metrics are made of.
 * @module
 */
import source from "../../shaders/residual_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** Floats of a row of stats. */
export const STATS = 8;

/** Rows that do not count, and how many. */
export interface RowMask {
  /** f32 [rows]: 0 for rows that do not count, else 1. */
  readonly rows: GPUBuffer;
  /** The buffer `step`: how many do not count. */
  readonly step: GPUBuffer;
}

/** What to compare. */
export interface ResidualArgs {
  /** Rows. */
  rows: number;
  /** Columns. */
  d: number;
  /** f32 [rows, d padded]: what should come out. */
  target: GPUBuffer;
  /** f32 [rows, d padded]: what came out; absent when the residual is there already and only sums are wanted. */
  recon?: GPUBuffer;
  /** f32 [d padded]: sum of the target's rows. */
  meanSum: GPUBuffer;
  /** One over the rows of that sum. */
  meanFactor: number;
  /** f32 [rows, d padded]; may not be one of the others. */
  residual: GPUBuffer;
  /** f32 [rows, STATS]. */
  stats: GPUBuffer;
  /** Rows with a residual and sums of zero, over the others of which the mean is; none when absent. */
  mask?: RowMask;
}

/** Residuals. */
export const residualRows = {
  kernel: defineKernel({
    name: "residual_rows",
    source,
    parts: PARTS,
    buffers: ["goal", "recon", "meanSum", "residual", "stats", "mask", "step"],
    dims: ["rows", "d4", "d", "meanFactor"],
  }),

  /** Three matrices once, five sums. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 12 * rows * d, bytes: 4 * rows * (3 * d + STATS) };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: ResidualArgs): Dispatch {
    const { mask } = args;
    return residualRows.kernel.dispatch(gpu, {
      defines: { GIVEN: args.recon ? 0 : 1, MASKED: mask ? 1 : 0, LEFT_OUT: STEP.leftOut },
      dims: {
        rows: args.rows,
        d4: Math.ceil(args.d / 4),
        d: args.d,
        meanFactor: args.meanFactor,
      },
      buffers: {
        goal: args.target,
        recon: args.recon ?? args.target,
        meanSum: args.meanSum,
        residual: args.residual,
        stats: args.stats,
        // Without a mask these are not read.
        mask: mask?.rows ?? args.meanSum,
        step: mask?.step ?? args.meanSum,
      },
      groups: gridFor(args.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
