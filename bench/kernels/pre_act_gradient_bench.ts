/**
 * The pre-activation loss of every latent.
 * @module
 */
import { preActGradient } from "../../lib/kernels/pre_act_gradient.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pre_act_gradient",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const effects = stage.room(latents * 4);
      return {
        shape: `${latents}`,
        cost: preActGradient.cost({ latents }),
        commands: [preActGradient.record(stage.gpu, {
          rows,
          latents,
          deficits: stage.vector(latents * 4, 2),
          norms: stage.vector(latents, 4),
          scaled: false,
          offsets: stage.code(shape).byLatent.offsets,
          step: stage.step(k),
          effects,
          gradBias: stage.room(latents),
          gradThreshold: stage.room(latents),
        })],
        output: effects,
      };
    }),
};
