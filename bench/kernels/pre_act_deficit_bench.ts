/**
 * What scores lack to their thresholds, over all rows.
 * @module
 */
import { preActDeficit } from "../../lib/kernels/pre_act_deficit.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pre_act_deficit",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, d, latents, k } = shape;
      const deficits = stage.room(latents * 4);
      return {
        shape: `${rows} x ${k} of ${latents}, d ${d}`,
        cost: preActDeficit.cost(shape),
        commands: preActDeficit.record(stage.gpu, {
          rows,
          wEnc: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
          inputSum: stage.vector(d, 2),
          bEnc: stage.vector(latents, 4),
          thresholds: stage.vector(latents, 5),
          log: false,
          code: stage.code(shape).byLatent,
          deficits,
        }),
        output: deficits,
        check: (floats) => floats[2] === 1 ? undefined : "its thresholds have a wrong derivative",
      };
    }),
};
