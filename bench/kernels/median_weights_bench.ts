/**
 * Weights of a step towards the geometric median.
 * @module
 */
import { medianWeights } from "../../lib/kernels/median_weights.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "median_weights",
  cases: (stage) =>
    stage.shapes.map(({ rows, d }) => {
      const weights = stage.room(rows);
      return {
        shape: `${rows} x ${d}`,
        cost: medianWeights.cost({ rows, d }),
        commands: [medianWeights.record(stage.gpu, {
          rows,
          d,
          x: stage.sheet(rows, d, 1),
          median: stage.vector(d, 2),
          weights,
        })],
        output: weights,
        check: (floats) => {
          let square = 0;
          for (let j = 0; j < d; j++) square += (valueAt(1, j) - valueAt(2, j)) ** 2;
          const wanted = 1 / Math.sqrt(square);
          return Math.abs(floats[0] / wanted - 1) < 1e-4
            ? undefined
            : `its first weight is ${floats[0]}, not ${wanted}`;
        },
      };
    }),
};
