/**
 * Scaling the decoder rows to unit length.
 * @module
 */
import { createRows, writeRows } from "../../lib/gpu/rows.ts";
import { normaliseRows } from "../../lib/kernels/normalise_rows.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "normalise_rows",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const w = createRows(stage.gpu, "bench unit rows", latents, d);
      writeRows(stage.gpu, w, draw(latents * d, 1));
      return {
        shape: `${latents} x ${d}`,
        cost: normaliseRows.cost({ rows: latents, d }),
        footprint: 8 * latents * d,
        commands: normaliseRows.record(stage.gpu, w),
        output: w.shards[0].buffer,
        check: (floats) => {
          const square = floats.subarray(d, 2 * d).reduce((sum, v) => sum + v * v, 0);
          return Math.abs(square - 1) < 1e-4 ? undefined : `row 1 has the squared length ${square}`;
        },
      };
    }),
};
