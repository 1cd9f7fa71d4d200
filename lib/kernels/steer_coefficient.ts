/**
 * Steers the coefficient of a sparsity penalty towards a number of active latents, and keeps the history of an annealed
 * exponent.
 * @module
 */
import source from "../../shaders/steer_coefficient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { SCALARS, STEP } from "./common.ts";
import { HISTORY, PENALTY_STATE } from "./penalty_state.ts";

/** How a coefficient is steered. */
export interface SteerRule {
  /** Mean number of active latents that is wanted. */
  goal: number;
  /** Steps in which a lasting error changes the coefficient by its own factor. */
  steps: number;
  /** Steps within which L0 is led from where it begins to the goal. */
  descent: number;
  /** Exponent of the error in the factor that acts at once. */
  damping: number;
  /** Share of a new error in the smoothed one. */
  beta: number;
  /** Steps over which the error is smoothed once more, to see where it is heading; as far ahead is looked. */
  slowSteps: number;
}

/** What is steered by what. */
export interface SteerArgs {
  /** The rule, where there is a goal. */
  rule?: SteerRule;
  /** The schedule's largest coefficient. */
  full: number;
  /** Rows of the batch: an L0 of 0 counts as half an entry. */
  rows: number;
  /** f32 [2]: penalty of this batch at the exponent in force and at the next, where exponents are annealed. */
  totals?: GPUBuffer;
  /** f32 [PENALTY_STATE.words]. */
  state: GPUBuffer;
  /** The buffer `step`: the coefficient. */
  step: GPUBuffer;
  /** The buffer `scalars`: L0 of the step. */
  scalars: GPUBuffer;
}

/** The steering. */
export const steerCoefficient = {
  kernel: defineKernel({
    name: "steer_coefficient",
    source,
    buffers: ["step", "scalars", "totals", "state"],
    dims: ["goal", "descent", "gain", "damping", "beta", "slowBeta", "full", "least"],
  }),

  /** Nothing to speak of. */
  cost(): Cost {
    return { flops: 16, bytes: 64 };
  },

  /** One dispatch. */
  record(gpu: Gpu, { rule, full, rows, totals, state, step, scalars }: SteerArgs): Dispatch {
    return steerCoefficient.kernel.dispatch(gpu, {
      defines: {
        CONTROL: rule ? 1 : 0,
        ANNEAL: totals ? 1 : 0,
        L0: SCALARS.l0,
        STEP_COEFFICIENT: STEP.coefficient,
        SMOOTH: PENALTY_STATE.smooth,
        SLOW: PENALTY_STATE.slow,
        STARTED: PENALTY_STATE.started,
        INTEGRAL: PENALTY_STATE.integral,
        CONTROL_WORD: PENALTY_STATE.control,
        FIRST_ERROR: PENALTY_STATE.firstError,
        NUMBER: STEP.number,
        KNOWN: PENALTY_STATE.known,
        FIRST: PENALTY_STATE.history,
        HISTORY,
      },
      dims: {
        goal: rule?.goal ?? 1,
        descent: rule ? Math.max(1, rule.descent) : 1,
        gain: rule ? 1 / rule.steps : 0,
        damping: rule?.damping ?? 0,
        beta: rule?.beta ?? 1,
        slowBeta: rule ? Math.min(1, 1 / rule.slowSteps) : 1,
        full: full > 0 ? full : 1,
        least: 0.5 / rows,
      },
      buffers: { step, scalars, totals: totals ?? step, state },
      groups: [1, 1, 1],
    });
  },
};
