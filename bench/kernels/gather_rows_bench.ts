/**
 * Gathering a panel of scattered encoder rows.
 * @module
 */
import { gatherRows } from "../../lib/kernels/gather_rows.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

const WIDTH = 1024;

/** The bench. */
export const bench: KernelBench = {
  stem: "gather_rows",
  cases: (stage) =>
    stage.shapes.map(({ latents, d }) => {
      const every = Math.floor(latents / WIDTH);
      const panel = stage.room(WIDTH * d);
      const scale = 1 / Math.sqrt(d);
      return {
        shape: `${WIDTH} of ${latents} x ${d}`,
        cost: gatherRows.cost({ width: WIDTH, d }),
        commands: gatherRows.record(stage.gpu, {
          list: stage.words(WIDTH, (i) => i * every),
          count: stage.words(1, () => WIDTH),
          first: 0,
          width: WIDTH,
          w: stage.matrix(latents, d, 3, scale),
          bias: stage.vector(latents, 4),
          panel,
          panelBias: stage.room(WIDTH),
        }),
        output: panel,
        check: (floats) => {
          const wanted = Math.fround(valueAt(3, every * d) * scale);
          return Math.abs(floats[d] - wanted) < 1e-6
            ? undefined
            : `its second row starts with ${floats[d]}, not ${wanted}`;
        },
      };
    }),
};
