/**
 * Residuals and the sums of each row that losses and metrics are made of.
 * @module
 */
import source from "../../shaders/residual_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** Floats of a row of stats. */
export const STATS = 8;

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
}

/** Residuals. */
export const residualRows = {
  kernel: defineKernel({
    name: "residual_rows",
    source,
    parts: PARTS,
    buffers: ["goal", "recon", "meanSum", "residual", "stats"],
    dims: ["rows", "d4", "d", "meanFactor"],
  }),

  /** Three matrices once, five sums. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 12 * rows * d, bytes: 4 * rows * (3 * d + STATS) };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: ResidualArgs): Dispatch {
    return residualRows.kernel.dispatch(gpu, {
      defines: { GIVEN: args.recon ? 0 : 1 },
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
      },
      groups: gridFor(args.rows, THREADS, gpu.facts.maxGroups),
    });
  },
};
