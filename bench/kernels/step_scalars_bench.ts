/**
 * The end of a step: one thread, so only the launch can be seen.
 * @module
 */
import { RING_FIELDS, SCALARS } from "../../lib/kernels/common.ts";
import { stepScalars } from "../../lib/kernels/step_scalars.ts";
import type { KernelBench } from "../types.ts";

/** The bits of 1: squares are not negative. */
const ONE = 0x3f800000;

/** The bench. */
export const bench: KernelBench = {
  stem: "step_scalars",
  cases: (stage) => {
    const ring = stage.room(RING_FIELDS.length);
    const place = (name: string) => RING_FIELDS.findIndex((f) => f.name === name);
    return [{
      shape: "one step",
      cost: stepScalars.cost(),
      commands: [stepScalars.record(stage.gpu, {
        limit: 1,
        rows: 2048,
        sites: 2,
        targets: 1,
        step: stage.step(32),
        norms: stage.words(16, () => ONE),
        normWords: 16,
        activeCounts: stage.words(4, () => 65536),
        counts: 1,
        deadCount: stage.words(4, () => 7),
        deadPlace: 0,
        fields: stage.words(RING_FIELDS.length, (i) => RING_FIELDS[i].word),
        fieldCount: RING_FIELDS.length,
        scalars: stage.room(SCALARS.words),
        ring,
      })],
      output: ring,
      check: (floats) =>
        floats[place("sparsity/l0")] === 32 && floats[place("sparsity/dead")] === 7
          ? undefined
          : `its l0 is ${floats[place("sparsity/l0")]}, not 32`,
    }];
  },
};
