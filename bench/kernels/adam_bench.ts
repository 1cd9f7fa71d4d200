/**
 * Adam on a whole encoder matrix.
 * @module
 */
import { adam } from "../../lib/kernels/adam.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "adam",
  cases: (stage) =>
    stage.shapes.map(({ latents, d, k }) => {
      const count = latents * d;
      const parameter = stage.room(count);
      return {
        shape: `${latents} x ${d}`,
        cost: adam.cost({ count }),
        commands: [adam.record(stage.gpu, {
          count,
          beta1: 0.9,
          beta2: 0.999,
          eps: 1e-8,
          step: stage.step(k),
          scalars: stage.scalars,
          grad: stage.sheet(latents, d, 1),
          parameter,
          moment1: stage.room(count),
          moment2: stage.room(count),
        })],
        output: parameter,
      };
    }),
};
