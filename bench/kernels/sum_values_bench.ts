/**
 * The sum of one number a latent.
 * @module
 */
import { sumValues } from "../../lib/kernels/sum_values.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "sum_values",
  cases: (stage) =>
    stage.shapes.map(({ latents: count }) => {
      const out = stage.room(4);
      return {
        shape: `${count}`,
        cost: sumValues.cost({ count }),
        commands: [sumValues.record(stage.gpu, { count, values: stage.vector(count, 2), out })],
        output: out,
        check: (floats) => {
          const wanted = draw(count, 2).reduce((sum, v) => sum + v, 0);
          return Math.abs(floats[0] - wanted) < 1e-3 * Math.sqrt(count)
            ? undefined
            : `its sum is ${floats[0]}, not ${wanted}`;
        },
      };
    }),
};
