/**
 * Exact scores of four times k candidates a row, also at the wide shape, where rows of W_enc no longer fit caches.
 * @module
 */
import { scoreCandidates } from "../../lib/kernels/score_candidates.ts";
import type { KernelBench } from "../types.ts";

/** Candidates in units of k. */
const FACTOR = 4;

/** The bench. */
export const bench: KernelBench = {
  stem: "score_candidates",
  cases: (stage) =>
    stage.gathered.map((shape) => {
      const { rows, d, latents } = shape;
      const count = FACTOR * shape.k;
      const { byRow, distinct } = stage.code({ ...shape, k: count });
      const scores = stage.room(rows * byRow.capacity);
      return {
        shape: `${rows} x ${count} of ${latents}, d ${d}`,
        cost: scoreCandidates.cost({ rows, count, d }),
        footprint: 4 * (distinct * d + 3 * rows * count + rows * d),
        commands: scoreCandidates.record(stage.gpu, {
          candidates: byRow,
          count,
          x: stage.sheet(rows, d, 1),
          w: stage.matrix(latents, d, 3, 1 / Math.sqrt(d)),
          bias: stage.vector(latents, 4),
          scores,
        }),
        output: scores,
      };
    }),
};
