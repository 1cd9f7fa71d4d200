/**
 * How much of the code of a few rows another one has.
 * @module
 */
import { codeRecall, RECALL_ROWS } from "../../lib/kernels/code_recall.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "code_recall",
  cases: (stage) => {
    const [shape] = stage.shapes;
    const { byRow } = stage.code(shape);
    const rows = Math.min(RECALL_ROWS, shape.rows);
    const scalars = stage.room(16);
    return [{
      shape: `${rows} x ${shape.k}`,
      cost: codeRecall.cost({ rows, k: shape.k }),
      commands: [codeRecall.record(stage.gpu, {
        wanted: { ...byRow, rows },
        found: byRow,
        scalars,
        word: 0,
      })],
      output: scalars,
      check: ([share]) => share === 1 ? undefined : `a code has ${share} of itself`,
    }];
  },
};
