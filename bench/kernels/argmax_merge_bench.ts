/**
 * The largest score of every row over all panels of a batch: what an iteration of a pursuit by residuals asks of scores.
 * @module
 */
import { argmaxMerge } from "../../lib/kernels/argmax_merge.ts";
import type { KernelBench } from "../types.ts";

const PANEL = 1024;

/** The bench. */
export const bench: KernelBench = {
  stem: "argmax_merge",
  cases: (stage) =>
    stage.shapes.map(({ rows, latents }) => {
      const best = stage.room(rows * 2);
      const panels = Array.from({ length: latents / PANEL }, (_, p) => p);
      const cost = argmaxMerge.cost({ rows, width: PANEL });
      return {
        shape: `${rows} x ${latents}`,
        cost: { flops: cost.flops * panels.length, bytes: cost.bytes * panels.length },
        commands: panels.map((p) =>
          argmaxMerge.record(stage.gpu, {
            rows,
            scores: stage.sheet(rows, PANEL, 20 + p),
            panel: PANEL,
            firstLatent: p * PANEL,
            latents,
            best,
          })
        ),
        output: best,
        type: "u32",
        check: (floats, words) =>
          // Of thousands of normal numbers the largest is well above 2.
          floats[0] > 2 && words[1] < latents
            ? undefined
            : `the best of row 0 is ${floats[0]} at latent ${words[1]}`,
      };
    }),
};
