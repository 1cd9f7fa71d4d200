/**
 * Writing a code by latent: every entry counts the bits before its own, so the time grows with the batch.
 * @module
 */
import { placeEntries } from "../../lib/kernels/place_entries.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "place_entries",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const { byRow, byLatent } = stage.code(shape);
      const placed = stage.room(rows * byRow.capacity * 4);
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: placeEntries.cost({ rows, k }),
        footprint: 4 * (latents * byLatent.words * 1.25 + 7 * rows * k),
        commands: [placeEntries.record(stage.gpu, byRow, { ...byLatent, placed })],
        output: placed,
        type: "u32",
        check: (_, words) => {
          const rising = words[4] > words[0] && words[8] > words[4];
          return rising ? undefined : "rows of the first latent do not ascend";
        },
      };
    }),
};
