/**
 * The move of the geometric median: one thread, so only the launch can be seen.
 * @module
 */
import { medianUpdate } from "../../lib/kernels/median_update.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "median_update",
  cases: (stage) =>
    stage.shapes.map(({ d }) => {
      const median = stage.room(d);
      const weightSum = stage.room(4);
      stage.gpu.device.queue.writeBuffer(weightSum, 0, new Float32Array([1, 1, 1, 1]));
      return {
        shape: `${d}`,
        cost: medianUpdate.cost({ d }),
        commands: [medianUpdate.record(stage.gpu, {
          d,
          weightedSum: stage.vector(d, 1),
          weightSum,
          median,
          moved: stage.room(4),
        })],
        output: median,
      };
    }),
};
