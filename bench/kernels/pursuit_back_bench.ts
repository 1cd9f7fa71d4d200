/**
 * The way back through the picks of a batch, as many rows at a time as the block takes.
 * @module
 */
import { planPursuit } from "../../lib/blocks/coders/pursuit_plan.ts";
import { pursuitBack } from "../../lib/kernels/pursuit_back.ts";
import { benchPicks } from "../picks.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "pursuit_back",
  cases: (stage) =>
    stage.shapes.filter(({ latents, d }) => latents * d * 4 <= stage.gpu.facts.maxBindingBytes)
      .map((shape) => {
        const { rows: all, d, latents, k } = shape;
        const plan = { rows: all, d, latents, iterations: k, frozen: false };
        const rows = planPursuit(plan, stage.gpu.facts, "residual").shareRows;
        const picks = benchPicks(stage, shape);
        const shares = stage.room(rows * picks.capacity * d);
        return {
          shape: `${rows} x ${k} of ${latents}, d ${d}`,
          cost: pursuitBack.cost({ rows, k, d }),
          commands: [pursuitBack.record(stage.gpu, {
            picks,
            w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
            residual: stage.matrix(all, d, 1, 0.1),
            scalars: stage.scalars,
            scaleWord: 1,
            firstRow: 0,
            rows,
            before: stage.room(all * d),
            back: stage.room(all * d),
            shares,
          })],
          output: shares,
        };
      }),
};
