/**
 * One pass of counting over a code: the first, in which the digits are few, and a later one.
 * @module
 */
import { radixCount } from "../../lib/kernels/radix_count.ts";
import { createRadixState } from "../../lib/kernels/radix_state.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "radix_count",
  cases: (stage) =>
    stage.shapes.flatMap((shape) => {
      const { rows, latents, k } = shape;
      const { byRow } = stage.code(shape);
      return [0, 3].map((digit) => {
        const radix = createRadixState(stage.gpu);
        return {
          shape: `${rows} x ${k} of ${latents}, digit ${digit}`,
          cost: radixCount.cost({ rows, k }),
          commands: [radixCount.record(stage.gpu, byRow, radix, digit)],
          output: radix.bins,
          type: "u32" as const,
          check: (_: Float32Array, words: Uint32Array) => {
            // No value begins with the zeros that stand for a prefix in the last pass.
            const some = words.some((n) => n > 0);
            return some === (digit === 0) ? undefined : "the counts are not those of the digit";
          },
        };
      });
    }),
};
