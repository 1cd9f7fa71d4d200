/**
 * Planning a step's conditional dispatches; the dispatches themselves are not timed.
 * @module
 */
import { planIndirect } from "../../lib/kernels/plan_indirect.ts";
import type { KernelBench } from "../types.ts";

const DISPATCHES = 100;

/** The bench. */
export const bench: KernelBench = {
  stem: "plan_indirect",
  cases: (stage) => {
    const indirect = stage.room(DISPATCHES * 4);
    return [{
      shape: `${DISPATCHES}`,
      cost: planIndirect.cost({ dispatches: DISPATCHES }),
      commands: [planIndirect.kernel.dispatch(stage.gpu, {
        dims: { dispatches: DISPATCHES, place: 0 },
        buffers: {
          grid: stage.words(DISPATCHES * 4, (i) => i % 4 === 3 ? i >> 3 : 2),
          count: stage.words(4, () => 20),
          indirect,
        },
        groups: [Math.ceil(DISPATCHES / 64), 1, 1],
      })],
      output: indirect,
      type: "u32",
      check: (_, words) =>
        words[0] === 2 && words[4 * (DISPATCHES - 1)] === 0
          ? undefined
          : "the first has no groups or the last has some",
    }];
  },
};
