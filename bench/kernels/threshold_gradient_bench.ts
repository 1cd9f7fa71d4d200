/**
 * Gradient of thresholds from the entries near them.
 * @module
 */
import { SCALARS } from "../../lib/kernels/common.ts";
import { thresholdGradient } from "../../lib/kernels/threshold_gradient.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "threshold_gradient",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const grad = stage.room(latents);
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: thresholdGradient.cost({ rows, k, latents }),
        commands: [thresholdGradient.record(stage.gpu, {
          code: stage.code(shape).byLatent,
          rows,
          thresholds: stage.vector(latents, 4),
          window: 2,
          step: { buffer: stage.scalars, word: SCALARS.one },
          log: false,
          toInput: false,
          dz: stage.room(4),
          grad,
        })],
        output: grad,
      };
    }),
};
