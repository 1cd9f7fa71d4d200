/**
 * The bias gradient: one thread, so only the launch can be seen.
 * @module
 */
import { biasGradient } from "../../lib/kernels/bias_gradient.ts";
import { SCALARS } from "../../lib/kernels/common.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "bias_gradient",
  cases: (stage) =>
    stage.shapes.map(({ d }) => {
      const grad = stage.room(d);
      return {
        shape: `${d}`,
        cost: biasGradient.cost({ d }),
        commands: [biasGradient.record(stage.gpu, {
          d,
          residualSum: stage.vector(d, 1),
          inputGradient: stage.vector(d, 2),
          scalars: stage.scalars,
          scaleWord: SCALARS.one,
          grad,
        })],
        output: grad,
      };
    }),
};
