/**
 * Exponentials of one number a latent.
 * @module
 */
import { expValues } from "../../lib/kernels/exp_values.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "exp_values",
  cases: (stage) =>
    stage.shapes.map(({ latents: count }) => {
      const out = stage.room(count);
      return {
        shape: `${count}`,
        cost: expValues.cost({ count }),
        commands: [expValues.record(stage.gpu, { count, values: stage.vector(count, 2), out })],
        output: out,
        check: (floats) =>
          Math.abs(floats[0] / Math.exp(valueAt(2, 0)) - 1) < 1e-4
            ? undefined
            : `its first value is ${floats[0]}`,
      };
    }),
};
