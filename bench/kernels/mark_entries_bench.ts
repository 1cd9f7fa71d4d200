/**
 * Marking the entries of a code in bits. The clearing of the bits is not a dispatch: timestamps leave it out.
 * @module
 */
import { markEntries } from "../../lib/kernels/mark_entries.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "mark_entries",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const { byRow, byLatent } = stage.code(shape);
      const bits = stage.room(latents * byLatent.words);
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: markEntries.cost({ rows, k }),
        commands: markEntries.record(stage.gpu, byRow, { ...byLatent, bits }),
        output: bits,
        type: "u32",
        check: (_, words) => words.some(Boolean) ? undefined : "no bit is set",
      };
    }),
};
