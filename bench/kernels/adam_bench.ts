/**
 * Adam of an encoder or decoder.
 * @module
 */
import { createRows } from "../../lib/gpu/rows.ts";
import { adam } from "../../lib/kernels/adam.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "adam",
  cases: (stage) =>
    stage.shapes.map(({ latents, d, k }) => {
      const zeros = () => createRows(stage.gpu, "bench moments", latents, d);
      const [parameter, first, second] = [zeros(), zeros(), zeros()];
      return {
        shape: `${latents} x ${d}`,
        cost: adam.cost({ count: latents * d }),
        commands: stage.matrix(latents, d, 1).shards.map(({ buffer, rows }, s) =>
          adam.record(stage.gpu, {
            count: rows * d,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            step: stage.step(k),
            scalars: stage.scalars,
            grad: buffer,
            parameter: parameter.shards[s].buffer,
            moment1: first.shards[s].buffer,
            moment2: second.shards[s].buffer,
          })
        ),
        output: parameter.shards[0].buffer,
      };
    }),
};
