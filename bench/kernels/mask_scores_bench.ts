/**
 * A panel of scores of which every tenth latent stays.
 * @module
 */
import { maskScores } from "../../lib/kernels/mask_scores.ts";
import type { KernelBench } from "../types.ts";

const PANEL = 1024;

/** The bench. */
export const bench: KernelBench = {
  stem: "mask_scores",
  cases: (stage) =>
    stage.shapes.map(({ rows }) => {
      const scores = stage.sheet(rows, PANEL, 14);
      return {
        shape: `${rows} x ${PANEL}`,
        cost: maskScores.cost({ rows, latents: PANEL }),
        commands: [maskScores.record(stage.gpu, {
          rows,
          flags: stage.words(PANEL, (i) => i % 10 === 0 ? 1 : 0),
          scores,
          panel: PANEL,
          firstLatent: 0,
          latents: PANEL,
        })],
        output: scores,
        check: (floats) => floats[1] < -3.4e38 ? undefined : `latent 1 has ${floats[1]}`,
      };
    }),
};
