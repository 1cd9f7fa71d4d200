/**
 * Exact scores of the candidates of each row: `score = x[row] · w[latent] + bias[latent]`.
 * @module
 */
import source from "../../shaders/score_candidates.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";
import type { RunningBest } from "./topk_merge.ts";

/** What to score. */
export interface ScoreCandidatesArgs {
  /** Lists with the latents; their scores are overwritten, those of empty places are left as they are. */
  candidates: RunningBest;
  /** [rows, d4] vec4. */
  x: GPUBuffer;
  /** Latent-major matrix [latents, d]. */
  w: Rows;
  /** f32 [latents]. */
  bias: GPUBuffer;
}

/** The exact scores. */
export const scoreCandidates = {
  kernel: defineKernel({
    name: "score_candidates",
    source,
    parts: PARTS,
    buffers: ["candidates", "x", "w", "bias", "scores"],
    dims: ["rows", "d4", "quads", "firstLatent", "latents"],
  }),

  /** A multiply-add a candidate and column; rows of w without reuse. */
  cost({ rows, count, d }: { rows: number; count: number; d: number }): Cost {
    return { flops: 2 * rows * count * d, bytes: 4 * rows * (count * d * 1.25 + 3 * count) };
  },

  /** One dispatch a buffer of `w`. */
  record(gpu: Gpu, { candidates, x, w, bias }: ScoreCandidatesArgs): Dispatch[] {
    const quads = candidates.capacity / 4;
    return w.shards.map((shard) =>
      scoreCandidates.kernel.dispatch(gpu, {
        dims: {
          rows: candidates.rows,
          d4: w.stride / 4,
          quads,
          firstLatent: shard.firstRow,
          latents: shard.rows,
        },
        buffers: {
          candidates: candidates.latent,
          x,
          w: shard.buffer,
          bias,
          scores: candidates.score,
        },
        groups: gridFor(candidates.rows * quads, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
