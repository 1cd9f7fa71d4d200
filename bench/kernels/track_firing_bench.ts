/**
 * Firing counters of all latents.
 * @module
 */
import { trackFiring } from "../../lib/kernels/track_firing.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "track_firing",
  cases: (stage) =>
    stage.shapes.map(({ latents, rows }) => {
      const dead = stage.room(latents);
      return {
        shape: `${latents}`,
        cost: trackFiring.cost({ latents }),
        commands: [trackFiring.record(stage.gpu, {
          latents,
          rows,
          deadAfter: rows,
          counts: stage.words(latents, (i) => i % 3),
          sinceFired: stage.room(latents),
          fired: stage.room(latents),
          dead,
        })],
        output: dead,
        type: "u32",
        check: (_, words) =>
          words[0] === 1 && words[1] === 0 ? undefined : "it takes live latents for dead",
      };
    }),
};
