/**
 * A few words of the state of a sparsity penalty.
 * @module
 */
import { steerCoefficient } from "../../lib/kernels/steer_coefficient.ts";
import { PENALTY_STATE } from "../../lib/kernels/penalty_state.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "steer_coefficient",
  cases: (stage) => {
    const state = stage.room(PENALTY_STATE.words);
    return [{
      shape: "1",
      cost: steerCoefficient.cost(),
      commands: [steerCoefficient.record(stage.gpu, {
        rule: { goal: 32, steps: 100, descent: 4200, damping: 0.6, beta: 0.2, slowSteps: 500 },
        full: 1,
        rows: 1,
        state,
        step: stage.step(32),
        scalars: stage.scalars,
      })],
      output: state,
    }];
  },
};
