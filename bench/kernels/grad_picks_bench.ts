/**
 * Gradients of a pursuit's latents from the shares of their picks, as many rows at a time as the block takes.
 * @module
 */
import { planPursuit } from "../../lib/blocks/coders/pursuit_plan.ts";
import { gradPicks } from "../../lib/kernels/grad_picks.ts";
import { benchPicks } from "../picks.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "grad_picks",
  cases: (stage) =>
    stage.shapes.filter(({ latents, d }) => latents * d * 4 <= stage.gpu.facts.maxBindingBytes)
      .map((shape) => {
        const { rows: all, d, latents, k } = shape;
        const plan = { rows: all, d, latents, iterations: k, frozen: false };
        const rows = planPursuit(plan, stage.gpu.facts, "residual").shareRows;
        const grad = stage.matrix(latents, d, 30);
        const picks = benchPicks(stage, shape);
        const shares = stage.room(rows * picks.capacity * d);
        stage.gpu.device.queue.writeBuffer(shares, 0, draw(rows * picks.capacity * d, 31));
        return {
          shape: `${rows} x ${k} of ${latents}, d ${d}`,
          cost: gradPicks.cost({ rows, k, d, latents }),
          commands: gradPicks.record(stage.gpu, {
            code: stage.code(shape).byLatent,
            picks,
            shares,
            firstRow: 0,
            rows,
            grad,
          }),
          output: grad.shards[0].buffer,
        };
      }),
};
