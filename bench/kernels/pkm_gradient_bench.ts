/**
 * From the derivatives by entries to those by the scores of sub-keys.
 * @module
 */
import { planKeyGrid } from "../../lib/blocks/coders/pkm_plan.ts";
import { createRows } from "../../lib/gpu/rows.ts";
import { pkmGradient } from "../../lib/kernels/pkm_gradient.ts";
import { DEMO } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pkm_gradient",
  cases: (stage) =>
    [DEMO.latents, 65536].map((latents) => {
      const { rows, d, k } = DEMO;
      const grid = planKeyGrid(latents);
      const grad = createRows(stage.gpu, "bench gradient", rows, grid.m1 + grid.m2);
      return {
        shape: `${rows} x ${k} to ${grid.m1} + ${grid.m2}`,
        cost: pkmGradient.cost({ rows, k, ...grid }),
        commands: pkmGradient.record(stage.gpu, {
          ...grid,
          code: stage.code({ rows, d, latents, k }).byRow,
          grad,
        }),
        output: grad.shards[0].buffer,
      };
    }),
};
