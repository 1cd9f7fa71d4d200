/**
 * The k best of four times as many candidates.
 * @module
 */
import { rankCandidates } from "../../lib/kernels/rank_candidates.ts";
import { createRunningBest } from "../../lib/kernels/topk_merge.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "rank_candidates",
  cases: (stage) => {
    const [{ rows, k }] = stage.shapes;
    return (stage.full ? [4, 8] : [4]).map((factor) => {
      const candidates = createRunningBest(stage.gpu, rows, factor * k);
      const best = createRunningBest(stage.gpu, rows, k);
      const { queue } = stage.gpu.device;
      queue.writeBuffer(candidates.score, 0, draw(rows * candidates.capacity, 5));
      const numbers = Uint32Array.from({ length: rows * candidates.capacity }, (_, i) => i);
      queue.writeBuffer(candidates.latent, 0, numbers);
      return {
        shape: `${rows} x ${k} of ${factor * k}`,
        cost: rankCandidates.cost({ rows, count: factor * k, k }),
        commands: [rankCandidates.record(stage.gpu, { candidates, best, step: stage.step(k) })],
        output: best.score,
        check: (floats) => {
          for (let i = 1; i < k; i++) {
            if (floats[i] > floats[i - 1]) return `score ${i} of row 0 is out of order`;
          }
        },
      };
    });
  },
};
