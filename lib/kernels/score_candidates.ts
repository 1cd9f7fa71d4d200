/**
 * Exact scores of the candidates of each row: `score = x[row] · w[latent] + bias[latent]`.
 * @module
 */
import source from "../../shaders/score_candidates.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";
import type { Operand } from "./operand.ts";
import { planGather } from "./gathers.ts";

/** What to score. */
export interface ScoreCandidatesArgs {
  /** Lists with the latents. */
  candidates: Pick<CodeByRow, "rows" | "spans" | "entries">;
  /** Candidates of a row, about; rows with more take longer. */
  count: number;
  /** [rows, d4] vec4. */
  x: GPUBuffer | Operand;
  /** Latent-major matrix [latents, d]. */
  w: Rows;
  /** f32 [latents]. */
  bias: GPUBuffer;
  /** f32, in the places of the entries. */
  scores: GPUBuffer;
}

/** The exact scores. */
export const scoreCandidates = {
  kernel: defineKernel({
    name: "score_candidates",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "x", "w", "bias", "scores"],
    dims: ["rows", "d4", "quads", "firstLatent", "latents"],
  }),

  /** A multiply-add a candidate and column; rows of w without reuse. */
  cost({ rows, count, d }: { rows: number; count: number; d: number }): Cost {
    return { flops: 2 * rows * count * d, bytes: 4 * rows * (count * d * 1.25 + 3 * count) };
  },

  /** One dispatch a buffer of `w`, after copies of what it reads from elsewhere. */
  record(gpu: Gpu, args: ScoreCandidatesArgs): Command[] {
    const { candidates: { rows, spans, entries }, count, x, w, bias, scores } = args;
    const quads = Math.ceil(count / 4);
    const d4 = w.stride / 4;
    return w.shards.flatMap((shard) => {
      // Candidates of other buffers are scored too, at some row of this one.
      const { defines, buffers, copies } = planGather(gpu, {
        x: { from: x, most: rows * d4, reads: rows * quads * d4 },
        w: { from: shard.buffer, most: shard.rows * d4, reads: rows * count * d4 },
      });
      const dispatch = scoreCandidates.kernel.dispatch(gpu, {
        defines,
        dims: {
          rows,
          d4,
          quads,
          firstLatent: shard.firstRow,
          latents: shard.rows,
        },
        buffers: { spans, entries, ...buffers, bias, scores },
        groups: gridFor(rows * quads, THREADS, gpu.facts.maxGroups),
      });
      return [...copies, dispatch];
    });
  },
};
