/**
 * A few words of the state of a sparsity penalty.
 * @module
 */
import { penaltyCoefficient } from "../../lib/kernels/penalty_coefficient.ts";
import { PENALTY_STATE } from "../../lib/kernels/penalty_state.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "penalty_coefficient",
  cases: (stage) => {
    const scalars = stage.room(16);
    return [{
      shape: "1",
      cost: penaltyCoefficient.cost(),
      commands: [penaltyCoefficient.record(stage.gpu, {
        rows: 1,
        anneal: false,
        steered: true,
        count: { offsets: stage.words(4, () => 32), place: 0 },
        state: stage.room(PENALTY_STATE.words),
        // Normal numbers: the word of the coefficient is not zero.
        step: stage.vector(64, 2),
        scalars,
      })],
      output: scalars,
    }];
  },
};
