/**
 * The factor before Newton-Schulz, from the sums of the squares of each column.
 * @module
 */
import { SCALES, schulzScale } from "../../lib/kernels/schulz_scale.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "schulz_scale",
  cases: (stage) =>
    stage.shapes.map(({ d }) => {
      const squares = stage.room(d);
      stage.gpu.device.queue.writeBuffer(squares, 0, new Float32Array(d).fill(0.25));
      const scales = stage.room(SCALES.words);
      return {
        shape: `${d} columns`,
        cost: schulzScale.cost({ count: d }),
        commands: [schulzScale.record(stage.gpu, { count: d, squares, scales })],
        output: scales,
        check: ([scale]) => {
          const wanted = 2 / Math.sqrt(d);
          return Math.abs(scale - wanted) < 1e-6 ? undefined : `it is ${scale}, not ${wanted}`;
        },
      };
    }),
};
