/**
 * The weight that a step has in the running average of schedule-free training.
 * @module
 */
import source from "../../shaders/schedule_free.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { STEP } from "./common.ts";

/** Words of the buffer `average`, f32. All are zero before the first step. */
export const AVERAGE = {
  /** Largest learning rate so far. */
  most: 0,
  /** Sum of all weights, in units of the newest. */
  weights: 1,
  /** Weight of the newest step over that sum. */
  share: 2,
  /** Steps with a learning rate above zero. */
  steps: 3,
  /** Number of words. */
  words: 4,
} as const;

/** Where the weight comes from and goes to. */
export interface ScheduleFreeArgs {
  /** The buffer `step`: learning rate. */
  step: GPUBuffer;
  /** f32 [AVERAGE.words]. */
  average: GPUBuffer;
}

/** The weight of a step. */
export const scheduleFree = {
  kernel: defineKernel({
    name: "schedule_free",
    source,
    buffers: ["step", "average"],
    dims: [],
  }),

  /** One thread. */
  cost(): Cost {
    return { flops: 6, bytes: 4 * (2 * AVERAGE.words + 1) };
  },

  /** One dispatch, before the updates of a step. */
  record(gpu: Gpu, args: ScheduleFreeArgs): Dispatch {
    return scheduleFree.kernel.dispatch(gpu, {
      defines: {
        LR_WORD: STEP.lr,
        MOST: AVERAGE.most,
        WEIGHTS: AVERAGE.weights,
        SHARE: AVERAGE.share,
        STEPS: AVERAGE.steps,
      },
      dims: {},
      buffers: { step: args.step, average: args.average },
      groups: [1, 1, 1],
    });
  },
};
