/**
 * Derivative by every entry of a code, also at the wide shape, where decoder rows no longer fit caches.
 * @module
 */
import { codeGradient } from "../../lib/kernels/code_gradient.ts";
import { SCALARS } from "../../lib/kernels/common.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "code_gradient",
  cases: (stage) =>
    stage.gathered.map((shape) => {
      const { rows, d, latents, k } = shape;
      // dz of its own: the code is shared with benches that read what it holds.
      const { byRow, distinct } = stage.code(shape);
      const code = { ...byRow, dz: stage.room(rows * k) };
      return {
        shape: `${rows} x ${k} of ${latents}, d ${d}`,
        cost: codeGradient.cost({ rows, k, d }),
        footprint: 4 * (distinct * d + 3 * rows * k + rows * d),
        commands: codeGradient.record(stage.gpu, {
          code,
          w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
          residual: stage.sheet(rows, d, 1),
          scalars: stage.scalars,
          scaleWord: SCALARS.one,
        }),
        output: code.dz,
      };
    }),
};
