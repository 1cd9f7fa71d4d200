/**
 * The weight of one step.
 * @module
 */
import { AVERAGE, scheduleFree } from "../../lib/kernels/schedule_free.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "schedule_free",
  cases: (stage) => {
    const average = stage.room(AVERAGE.words);
    return [{
      shape: "one step",
      cost: scheduleFree.cost(),
      commands: [scheduleFree.record(stage.gpu, { step: stage.step(32), average })],
      output: average,
    }];
  },
};
