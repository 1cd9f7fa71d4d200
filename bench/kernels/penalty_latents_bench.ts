/**
 * Sums of a penalty over the rows of every latent.
 * @module
 */
import { penaltyLatents } from "../../lib/kernels/penalty_latents.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "penalty_latents",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const means = stage.room(latents * 2);
      return {
        shape: `means, ${rows} x ${k} of ${latents}`,
        cost: penaltyLatents.cost({ rows, k, latents }),
        commands: [penaltyLatents.recordMeans(stage.gpu, {
          code: stage.code(shape).byLatent,
          rows,
          form: { kind: "tanh_quad", scale: 4, frequency: 0.01 },
          means,
        })],
        output: means,
        check: (floats) =>
          floats[0] > 0 && floats[0] <= 1 ? undefined : `its first mean is ${floats[0]}`,
      };
    }),
};
