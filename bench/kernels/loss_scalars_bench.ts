/**
 * Losses of a step: one thread, so only the launch can be seen.
 * @module
 */
import { SCALARS } from "../../lib/kernels/common.ts";
import { lossScalars } from "../../lib/kernels/loss_scalars.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "loss_scalars",
  cases: (stage) => {
    const scalars = stage.room(SCALARS.words);
    const sums = stage.room(8);
    stage.gpu.device.queue.writeBuffer(sums, 0, new Float32Array([3, 4, 1, 1]));
    return [{
      shape: "main",
      cost: lossScalars.cost(),
      commands: [lossScalars.record(stage.gpu, {
        of: "main",
        alpha: 1 / 32,
        sums,
        deadCount: stage.words(4, () => 1),
        deadPlace: 0,
        scalars,
      })],
      output: scalars,
      check: (floats) =>
        floats[SCALARS.fvu] === 0.75 ? undefined : `its fvu is ${floats[SCALARS.fvu]}, not 0.75`,
    }];
  },
};
