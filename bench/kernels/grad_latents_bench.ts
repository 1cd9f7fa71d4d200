/**
 * Gradients of the decoder and of the encoder from the code by latent, also at the wide shape.
 * @module
 */
import { SCALARS } from "../../lib/kernels/common.ts";
import { gradLatents } from "../../lib/kernels/grad_latents.ts";
import { createRows } from "../../lib/gpu/rows.ts";
import type { BenchCase, KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "grad_latents",
  cases: (stage) =>
    stage.gathered.flatMap((shape) => {
      const { rows, d, latents, k } = shape;
      const grad = createRows(stage.gpu, "bench gradient", latents, d);
      const gradBias = stage.room(latents);
      return (["value", "dz"] as const).map((weight): BenchCase => ({
        shape: `${weight}, ${rows} x ${k} of ${latents}, d ${d}`,
        cost: gradLatents.cost({ rows, k, d, latents }),
        footprint: 4 * (latents * d + 4 * rows * k + rows * d),
        commands: gradLatents.record(stage.gpu, {
          code: stage.code(shape).byLatent,
          weight,
          rows: stage.sheet(rows, d, 1),
          grad,
          gradBias,
          scalars: stage.scalars,
          scaleWord: SCALARS.one,
        }),
        output: grad.shards[0].buffer,
      }));
    }),
};
