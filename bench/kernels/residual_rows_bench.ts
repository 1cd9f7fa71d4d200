/**
 * Residuals of a batch and the sums behind the metrics.
 * @module
 */
import { residualRows, STATS } from "../../lib/kernels/residual_rows.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "residual_rows",
  cases: (stage) =>
    stage.shapes.map(({ rows, d }) => {
      const residual = stage.room(rows * d);
      return {
        shape: `${rows} x ${d}`,
        cost: residualRows.cost({ rows, d }),
        commands: [residualRows.record(stage.gpu, {
          rows,
          d,
          target: stage.sheet(rows, d, 1),
          recon: stage.sheet(rows, d, 2),
          meanSum: stage.vector(d, 4),
          meanFactor: 1 / rows,
          residual,
          stats: stage.room(rows * STATS),
        })],
        output: residual,
      };
    }),
};
