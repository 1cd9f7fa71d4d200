/**
 * Dividing the values of a code.
 * @module
 */
import { createBuffer } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { unscaleEntries } from "../../lib/kernels/unscale_entries.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "unscale_entries",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const { byRow, values } = stage.code(shape);
      const entries = createBuffer(stage.gpu, byRow.entries.size, "entries");
      const size = entries.size;
      submit(stage.gpu, [
        { kind: "copy", from: byRow.entries, fromOffset: 0, to: entries, toOffset: 0, size },
      ]);
      // The factor 1, so that values stay finite however often the bench repeats itself.
      const one = new Uint32Array(Float32Array.of(1).buffer)[0];
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: unscaleEntries.cost({ rows, k }),
        commands: [
          unscaleEntries.record(
            stage.gpu,
            { ...byRow, entries },
            stage.words(latents, () => one),
          ),
        ],
        output: entries,
        type: "u32" as const,
        check: (_: Float32Array, words: Uint32Array) => {
          const first = new Float32Array(words.slice(1, 2).buffer)[0];
          return first === values[0] ? undefined : `the first value is ${first}`;
        },
      };
    }),
};
