/**
 * The k best of four times as many candidates.
 * @module
 */
import { createCodeByRow } from "../../lib/kernels/code.ts";
import { keepCandidates } from "../../lib/kernels/keep_candidates.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "keep_candidates",
  cases: (stage) => {
    const [shape] = stage.shapes;
    const { rows, k } = shape;
    return (stage.full ? [4, 8] : [4]).map((factor) => {
      const count = factor * k;
      const { byRow } = stage.code({ ...shape, k: count });
      const code = createCodeByRow(stage.gpu, rows, k);
      return {
        shape: `${rows} x ${k} of ${count}`,
        cost: keepCandidates.cost({ rows, count, k }),
        commands: [keepCandidates.record(stage.gpu, {
          candidates: byRow,
          scores: stage.sheet(rows, byRow.capacity, 5),
          code,
          step: stage.step(k),
        })],
        output: code.entries,
        type: "u32",
        check: (_, words) => {
          for (let i = 1; i < k; i++) {
            if (words[2 * i] <= words[2 * i - 2]) return `entry ${i} of row 0 is out of order`;
          }
        },
      };
    });
  },
};
