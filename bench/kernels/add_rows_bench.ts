/**
 * A weighted row added to every row of a gradient.
 * @module
 */
import { createRows } from "../../lib/gpu/rows.ts";
import { addRows } from "../../lib/kernels/add_rows.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "add_rows",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const grad = createRows(stage.gpu, "bench gradient", latents, d);
      return {
        shape: `${latents} x ${d}`,
        cost: addRows.cost({ rows: latents, d }),
        commands: addRows.record(stage.gpu, {
          grad,
          rows: stage.matrix(latents, d, 3),
          weights: stage.vector(latents, 4, 1e-6),
        }),
        output: grad.shards[0].buffer,
      };
    }),
};
