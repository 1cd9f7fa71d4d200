/**
 * Products of all pairs of latents in a texture; half of them are computed. Where a device has no plan for it there is
 * nothing to time: it makes them by `matmul`.
 * @module
 */
import { createTexelRows } from "../../lib/gpu/texels.ts";
import { gramRows } from "../../lib/kernels/gram_rows.ts";
import { readTexelRows } from "../../tests/kernels/texel_rows.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "gram_rows",
  cases: (stage) =>
    stage.shapes.filter(({ latents, d }) => gramRows.plan(stage.gpu.facts, { rows: latents, d }))
      .map(({ latents, d }) => {
        const { gpu } = stage;
        const scale = 1 / Math.sqrt(d);
        const w = stage.matrix(latents, d, 3, scale);
        const gram = createTexelRows(gpu, "bench products", latents, latents);
        const output = stage.room(Math.ceil(latents / 4) * 4);
        return {
          shape: `${latents} x ${latents}, d ${d}`,
          cost: gramRows.cost({ rows: latents, d }),
          commands: [
            ...gramRows.record(gpu, { w, gram }),
            readTexelRows(gpu, gram, output, 1),
          ],
          output,
          check: (floats: Float32Array) => {
            let wanted = 0;
            for (let k = 0; k < d; k++) wanted += valueAt(3, k) * valueAt(3, d + k) * scale * scale;
            const error = Math.abs(floats[1] - wanted);
            return error < 1e-3
              ? undefined
              : `product of rows 0 and 1 is ${floats[1]}, not ${wanted}`;
          },
        };
      }),
};
