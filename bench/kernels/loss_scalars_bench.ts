/**
 * Loss of a site: one thread, so only the launch can be seen.
 * @module
 */
import { SCALARS, siteWord } from "../../lib/kernels/common.ts";
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
      shape: "one site",
      cost: lossScalars.cost(),
      commands: [lossScalars.record(stage.gpu, {
        site: 0,
        kind: "fvu",
        weight: 1,
        factor: 1,
        sums,
        scalars,
      })],
      output: scalars,
      check: (floats) =>
        floats[siteWord(0, "fvu")] === 0.75
          ? undefined
          : `its fvu is ${floats[siteWord(0, "fvu")]}, not 0.75`,
    }];
  },
};
