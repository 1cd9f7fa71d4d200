/**
 * Gradient of a bias a latent of product keys.
 * @module
 */
import { pkmBiasGradient } from "../../lib/kernels/pkm_bias_gradient.ts";
import { DEMO } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pkm_bias_gradient",
  cases: (stage) => {
    const grad = stage.room(DEMO.latents);
    return [{
      shape: `${DEMO.rows} x ${DEMO.k} of ${DEMO.latents}`,
      cost: pkmBiasGradient.cost(DEMO),
      commands: [pkmBiasGradient.record(stage.gpu, { code: stage.code(DEMO).byLatent, grad })],
      output: grad,
    }];
  },
};
