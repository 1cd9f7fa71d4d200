/**
 * Sign descent with its average on a whole encoder matrix.
 * @module
 */
import { AVERAGE } from "../../lib/kernels/schedule_free.ts";
import { signum } from "../../lib/kernels/signum.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "signum",
  cases: (stage) =>
    stage.shapes.map(({ latents, d, k }) => {
      const count = latents * d;
      const average = stage.room(AVERAGE.words);
      stage.gpu.device.queue.writeBuffer(average, 0, new Float32Array([1e-5, 5, 0.2, 5]));
      const y = stage.room(count);
      return {
        shape: `${latents} x ${d}`,
        cost: signum.cost({ count }),
        commands: [signum.record(stage.gpu, {
          part: "step",
          count,
          beta: 0.95,
          step: stage.step(k),
          average,
          grad: stage.sheet(latents, d, 1),
          y,
          z: stage.room(count),
          x: stage.room(count),
        })],
        output: y,
      };
    }),
};
