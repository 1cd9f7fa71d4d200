/**
 * Lengths of decoder rows.
 * @module
 */
import { rowNorms } from "../../lib/kernels/row_norms.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "row_norms",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const norms = stage.room(latents);
      return {
        shape: `${latents} x ${d}`,
        cost: rowNorms.cost({ rows: latents, d }),
        commands: rowNorms.record(stage.gpu, stage.matrix(latents, d, 3), norms),
        output: norms,
        check: (floats) => {
          let square = 0;
          for (let j = 0; j < d; j++) square += valueAt(3, j) ** 2;
          const wanted = Math.sqrt(square);
          return Math.abs(floats[0] / wanted - 1) < 1e-4
            ? undefined
            : `its first length is ${floats[0]}, not ${wanted}`;
        },
      };
    }),
};
