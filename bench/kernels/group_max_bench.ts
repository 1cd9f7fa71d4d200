/**
 * The largest of each group over all panels of a batch.
 * @module
 */
import { groupMax, planGroups } from "../../lib/kernels/group_max.ts";
import { createRunningBest } from "../../lib/kernels/topk_merge.ts";
import type { KernelBench } from "../types.ts";

const PANEL = 1024;

/** The bench. */
export const bench: KernelBench = {
  stem: "group_max",
  cases: (stage) =>
    stage.shapes.map(({ rows, latents, k }) => {
      const best = createRunningBest(stage.gpu, rows, k);
      const cost = groupMax.cost({ rows, width: latents, k });
      return {
        shape: `${rows} x ${latents}, ${k} groups`,
        cost,
        commands: Array.from({ length: latents / PANEL }, (_, p) =>
          groupMax.record(stage.gpu, {
            best,
            groups: planGroups(latents, k),
            scores: stage.sheet(rows, PANEL, 20 + p),
            panel: PANEL,
            firstLatent: p * PANEL,
            latents: PANEL,
          })),
        output: best.score,
        check: (floats: Float32Array) => {
          // Of a hundred normal numbers the largest is about 2.5.
          const mean = floats.subarray(0, k).reduce((sum, v) => sum + v, 0) / k;
          return mean > 1.5 && mean < 4.5 ? undefined : `the mean of the first row is ${mean}`;
        },
      };
    }),
};
