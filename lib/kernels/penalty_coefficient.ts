/**
 * The coefficient of a sparsity penalty in a step.
 * @module
 */
import source from "../../shaders/penalty_coefficient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { SCALARS, STEP } from "./common.ts";
import { HISTORY, PENALTY_STATE, STEER_START } from "./penalty_state.ts";

/** What the coefficient depends on. */
export interface PenaltyCoefficientArgs {
  /** Rows of the batch. */
  rows: number;
  /** Whether the exponent changes during the run. */
  anneal: boolean;
  /** Whether the coefficient is steered. */
  steered: boolean;
  /** A penalty on the mean number of active latents, with a goal on its squared distance from it. */
  count?: {
    /** u32s: offsets of the model's code by latent. */
    offsets: GPUBuffer;
    /** Place of the total in it. */
    place: number;
    /** L0 that is wanted. */
    goal?: number;
  };
  /** f32 [PENALTY_STATE.words]. */
  state: GPUBuffer;
  /** The buffer `step`: coefficient, exponent, rows that do not count. */
  step: GPUBuffer;
  /** The buffer `scalars`: the coefficient; the loss with `count`. */
  scalars: GPUBuffer;
}

/** The coefficient. */
export const penaltyCoefficient = {
  kernel: defineKernel({
    name: "penalty_coefficient",
    source,
    buffers: ["step", "offsets", "state", "scalars"],
    dims: ["rows", "place", "goal", "start"],
  }),

  /** Nothing to speak of. */
  cost(): Cost {
    return { flops: 8, bytes: 128 };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: PenaltyCoefficientArgs): Dispatch {
    const { count, step } = args;
    return penaltyCoefficient.kernel.dispatch(gpu, {
      defines: {
        ANNEAL: args.anneal ? 1 : 0,
        COUNT: count ? 1 : 0,
        TARGET: count?.goal ? 1 : 0,
        STEP_COEFFICIENT: STEP.coefficient,
        STEP_EXPONENT: STEP.exponent,
        LEFT_OUT: STEP.leftOut,
        CONTROL: PENALTY_STATE.control,
        LOG_ANNEAL: PENALTY_STATE.logAnneal,
        EXPONENT: PENALTY_STATE.exponent,
        KNOWN: PENALTY_STATE.known,
        FIRST: PENALTY_STATE.history,
        HISTORY,
        COEFFICIENT: SCALARS.coefficient,
        LOSS: SCALARS.sparsityLoss,
      },
      dims: {
        rows: args.rows,
        place: count?.place ?? 0,
        goal: count?.goal ?? 1,
        start: args.steered ? STEER_START : 0,
      },
      buffers: {
        step,
        offsets: count?.offsets ?? step,
        state: args.state,
        scalars: args.scalars,
      },
      groups: [1, 1, 1],
    });
  },
};
