/**
 * Taking the parallel component from decoder gradients.
 * @module
 */
import { createRows, writeRows } from "../../lib/gpu/rows.ts";
import { projectRows } from "../../lib/kernels/project_rows.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "project_rows",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const grad = createRows(stage.gpu, "bench projected", latents, d);
      writeRows(stage.gpu, grad, draw(latents * d, 2));
      return {
        shape: `${latents} x ${d}`,
        cost: projectRows.cost({ latents, d }),
        footprint: 16 * latents * d,
        commands: projectRows.record(stage.gpu, {
          w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
          grad,
          squares: stage.room(latents),
        }),
        output: grad.shards[0].buffer,
      };
    }),
};
