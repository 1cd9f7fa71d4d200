/**
 * A parameter's step along a direction that Newton-Schulz made, with decoupled weight decay.
 * @module
 */
import source from "../../shaders/muon_update.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** What to update. */
export interface MuonUpdateArgs {
  /** Floats, a multiple of 4. */
  count: number;
  /** The buffer `step`: learning rate. */
  step: GPUBuffer;
  /** Where to go. */
  direction: GPUBuffer;
  /** Parameter. */
  parameter: GPUBuffer;
  /** Length of a step in units of the learning rate. */
  factor: number;
  /** The parameter is first multiplied by 1 - lr · decay; 0 when absent. */
  decay?: number;
  /** Factor of the learning rate; 1 when absent. */
  lrFactor?: number;
  /** Values below zero become zero. */
  nonNegative?: boolean;
}

/** Muon's update. */
export const muonUpdate = {
  kernel: defineKernel({
    name: "muon_update",
    source,
    parts: PARTS,
    buffers: ["step", "direction", "parameter"],
    dims: ["count4", "lrFactor", "decay", "factor"],
  }),

  /** Two reads and a write a parameter. */
  cost({ count }: { count: number }): Cost {
    return { flops: 3 * count, bytes: 12 * count };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: MuonUpdateArgs): Dispatch {
    const { step, direction, parameter, factor, decay = 0, lrFactor = 1 } = args;
    const count4 = args.count / 4;
    return muonUpdate.kernel.dispatch(gpu, {
      defines: { LR_WORD: STEP.lr, NON_NEGATIVE: args.nonNegative ? 1 : 0 },
      dims: { count4, lrFactor, decay, factor },
      buffers: { step, direction, parameter },
      groups: gridFor(count4, THREADS, gpu.facts.maxGroups),
    });
  },
};
