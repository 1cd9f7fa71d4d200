/**
 * Gradients of a gated coder's gains.
 * @module
 */
import { createCodeByLatent } from "../../lib/kernels/code.ts";
import { gatedGradient } from "../../lib/kernels/gated_gradient.ts";
import { submit } from "../../lib/gpu/program.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "gated_gradient",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const gradR = stage.room(latents);
      // Entries of its own: the code is shared with benches that read what it holds.
      const { byLatent } = stage.code(shape);
      const { placed } = createCodeByLatent(stage.gpu, rows, k, latents);
      submit(stage.gpu, [{
        kind: "copy",
        from: byLatent.placed,
        fromOffset: 0,
        to: placed,
        toOffset: 0,
        size: placed.size,
      }]);
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: gatedGradient.cost({ rows, k, latents }),
        commands: [gatedGradient.record(stage.gpu, {
          code: { ...byLatent, placed },
          // Zeros: the gain is 1, so that derivatives stay as they are however often it runs.
          r: stage.room(latents),
          bMag: stage.vector(latents, 4),
          gradR,
          gradMag: stage.room(latents),
        })],
        output: gradR,
      };
    }),
};
