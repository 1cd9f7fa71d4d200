/**
 * The end of a step: one thread, so only the launch can be seen.
 * @module
 */
import { SCALARS } from "../../lib/kernels/common.ts";
import { stepScalars } from "../../lib/kernels/step_scalars.ts";
import { RING_WORDS } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "step_scalars",
  cases: (stage) => {
    const ring = stage.room(RING_WORDS);
    return [{
      shape: "one step",
      cost: stepScalars.cost(),
      commands: [stepScalars.record(stage.gpu, {
        limit: 1,
        alpha: 1 / 32,
        rows: 2048,
        step: stage.step(32),
        latentSquares: stage.vector(4, 1),
        biasSquares: stage.words(4, () => 0x41000000),
        activeCount: stage.words(4, () => 65536),
        activePlace: 0,
        deadCount: stage.words(4, () => 7),
        deadPlace: 0,
        scalars: stage.room(SCALARS.words),
        ring,
      })],
      output: ring,
      check: (floats) =>
        floats[3] === 32 && floats[4] === 7 ? undefined : `its l0 is ${floats[3]}, not 32`,
    }];
  },
};
