/**
 * Keeps the k best of the candidates of each row.
 * @module
 */
import source from "../../shaders/rank_candidates.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, STEP, THREADS } from "./common.ts";
import type { RunningBest } from "./topk_merge.ts";

/** What to rank. */
export interface RankCandidatesArgs {
  /** Lists to choose from, in any order. */
  candidates: RunningBest;
  /** Lists of the best, as `topk_merge` would leave them but for their order; no longer than the candidates'. */
  best: RunningBest;
  /** The buffer `step`: word k. */
  step: GPUBuffer;
}

/** The choice. */
export const rankCandidates = {
  kernel: defineKernel({
    name: "rank_candidates",
    source,
    parts: PARTS,
    buffers: ["scores", "candidates", "step", "bestScore", "bestLatent"],
    dims: ["rows", "given4", "capacity"],
  }),

  /** A comparison a pair of candidates; lists once, since they stay in caches. */
  cost({ rows, count, k }: { rows: number; count: number; k: number }): Cost {
    return { flops: rows * count * count, bytes: 8 * rows * (count + k) };
  },

  /** One dispatch. */
  record(gpu: Gpu, { candidates, best, step }: RankCandidatesArgs): Dispatch {
    if (best.rows !== candidates.rows || best.capacity > candidates.capacity) {
      throw new RangeError("Cannot rank candidates: there are fewer than are to be kept");
    }
    return rankCandidates.kernel.dispatch(gpu, {
      defines: { K_WORD: STEP.k },
      dims: { rows: best.rows, given4: candidates.capacity / 4, capacity: best.capacity },
      buffers: {
        scores: candidates.score,
        candidates: candidates.latent,
        step,
        bestScore: best.score,
        bestLatent: best.latent,
      },
      groups: gridFor(best.rows * candidates.capacity, THREADS, gpu.facts.maxGroups),
    });
  },
};
