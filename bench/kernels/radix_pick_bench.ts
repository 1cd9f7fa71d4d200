/**
 * All of a selection's picks: a workgroup each.
 * @module
 */
import { radixPick } from "../../lib/kernels/radix_pick.ts";
import { createRadixState, DIGITS, FOUND } from "../../lib/kernels/radix_state.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "radix_pick",
  cases: (stage) => {
    const radix = createRadixState(stage.gpu);
    const { flops, bytes } = radixPick.cost();
    return [{
      shape: `${DIGITS.length} digits`,
      cost: { flops: flops * DIGITS.length, bytes: bytes * DIGITS.length },
      commands: DIGITS.map((_, digit) =>
        radixPick.record(stage.gpu, {
          radix,
          rows: 2048,
          most: 2048,
          digit,
          step: stage.words(16, () => 5),
          following: { kind: "nothing", rate: 0 },
        })
      ),
      output: radix.found,
      type: "u32",
      check: (_, words) => words[FOUND.wanted] === 5 ? undefined : `K is ${words[FOUND.wanted]}`,
    }];
  },
};
