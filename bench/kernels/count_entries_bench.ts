/**
 * Counting the bits of every latent.
 * @module
 */
import { countEntries } from "../../lib/kernels/count_entries.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "count_entries",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const code = { ...stage.code(shape).byLatent, counts: stage.room(latents) };
      return {
        shape: `${latents} x ${rows} bits`,
        cost: countEntries.cost({ rows, latents }),
        commands: [countEntries.record(stage.gpu, code)],
        output: code.counts,
        type: "u32",
        check: (_, words) => {
          const total = words.reduce((a, b) => a + b, 0);
          return total === rows * k ? undefined : `it counts ${total} entries of ${rows * k}`;
        },
      };
    }),
};
