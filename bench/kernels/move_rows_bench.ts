/**
 * Rows of a block to a batch, as training on the model's own device takes them.
 * @module
 */
import { moveRows } from "../../lib/kernels/move_rows.ts";
import { valueAt } from "../stage.ts";
import type { KernelBench } from "../types.ts";
import { createRows, onlyShard } from "../../lib/gpu/rows.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "move_rows",
  cases: (stage) =>
    stage.shapes.map(({ rows, d }) => {
      const blockRows = 4 * rows;
      const target = createRows(stage.gpu, "batch", rows, d);
      const from = (i: number) => (i * 2477) % blockRows;
      return {
        shape: `${rows} of ${blockRows} x ${d}`,
        cost: moveRows.cost({ rows, d }),
        commands: moveRows.record(stage.gpu, {
          list: stage.words(2 * rows, (i) => i % 2 ? (i - 1) / 2 : from(i / 2)),
          pairs: rows,
          source: stage.matrix(blockRows, d, 3, 1),
          target,
          scale: 0.5,
          bad: stage.words(4, () => 0xffffffff),
        }),
        output: onlyShard(target),
        check: (floats) => {
          const wanted = Math.fround(valueAt(3, from(1) * d) * 0.5);
          return Math.abs(floats[d] - wanted) < 1e-6
            ? undefined
            : `its second row starts with ${floats[d]}, not ${wanted}`;
        },
      };
    }),
};
