/**
 * Centring of a batch.
 * @module
 */
import { centerRows } from "../../lib/kernels/center_rows.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "center_rows",
  cases: (stage) =>
    stage.shapes.map(({ rows, d }) => {
      const centred = stage.room(rows * d);
      return {
        shape: `${rows} x ${d}`,
        cost: centerRows.cost({ rows, d }),
        commands: [centerRows.record(stage.gpu, {
          rows,
          d,
          x: stage.sheet(rows, d, 1),
          bias: stage.vector(d, 2),
          centred,
        })],
        output: centred,
        check: (floats) => {
          const wanted = Math.fround(valueAt(1, d + 3) - valueAt(2, 3));
          return floats[d + 3] === wanted ? undefined : `row 1 has ${floats[d + 3]}, not ${wanted}`;
        },
      };
    }),
};
