/**
 * The gradient through normalised rows, on a whole decoder matrix.
 * @module
 */
import { createRows, writeRows } from "../../lib/gpu/rows.ts";
import { normGradient } from "../../lib/kernels/norm_gradient.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "norm_gradient",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const grad = createRows(stage.gpu, "bench gradient", latents, d);
      writeRows(stage.gpu, grad, draw(latents * d, 1));
      return {
        shape: `${latents} x ${d}`,
        cost: normGradient.cost({ rows: latents, d }),
        commands: normGradient.record(stage.gpu, {
          w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
          grad,
        }),
        output: grad.shards[0].buffer,
      };
    }),
};
