/**
 * Iterations of matching pursuit on scores, with the products of all pairs of latents (Gram form).
 * @module
 */
import source from "../../shaders/pursuit_step.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { STEP, THREADS } from "./common.ts";
import { type Picks, planLanes, PURSUIT_PARTS } from "./picks.ts";

/** What to go on with. */
export interface PursuitStepArgs {
  /** Picks and stopped rows; all zero before the first iteration. */
  picks: Picks;
  /** Products of all pairs of latents [latents, latents]. */
  gram: Rows;
  /** f32 [rows of the chunk, `gram.stride`]: scores, the padding of any value. */
  scores: GPUBuffer;
  /** First row of the chunk. */
  firstRow: number;
  /** Rows of the chunk. */
  rows: number;
  /** The buffer `step`. */
  step: GPUBuffer;
  /** First iteration. */
  begin: number;
  /** One past the last iteration. */
  end: number;
  /** `picks`: all iterations in a row; `best`: one iteration, whose largest scores `pursuit_update` picks. */
  gives: "picks" | "best";
  /** Whether only positive scores are picked. */
  relu: boolean;
  /** Whether word k of `step` bounds the iterations. */
  limited: boolean;
}

/** Iterations on scores. */
export const pursuitStep = {
  kernel: defineKernel({
    name: "pursuit_step",
    source,
    parts: PURSUIT_PARTS,
    buffers: ["gram", "step", "done", "scores", "latents", "values", "best"],
    dims: [
      "rows",
      "firstRow",
      "f4",
      "limit",
      "capacity",
      "begin",
      "end",
      "firstLatent",
      "latents",
    ],
  }),

  /** A multiply-add and a compare a latent and iteration; scores twice, a row of products once. */
  cost({ rows, latents, iterations }: { rows: number; latents: number; iterations: number }): Cost {
    const each = rows * latents * iterations;
    return { flops: 3 * each, bytes: 12 * each };
  },

  /** One dispatch; or one an iteration and buffer where `gram` is split. */
  record(gpu: Gpu, args: PursuitStepArgs): Dispatch[] {
    const { picks, gram, begin, end } = args;
    const alone = args.gives === "picks";
    if (!alone && end !== begin + 1) {
      throw new RangeError(`Cannot give the best of ${end - begin} iterations, one is needed`);
    }
    const lanes = planLanes(gpu.facts, THREADS);
    const one = (shard: Rows["shards"][number], from: number, to: number): Dispatch =>
      pursuitStep.kernel.dispatch(gpu, {
        defines: {
          ...lanes,
          ALONE: alone ? 1 : 0,
          RELU: args.relu ? 1 : 0,
          LIMITED: args.limited ? 1 : 0,
          K_WORD: STEP.k,
        },
        dims: {
          rows: args.rows,
          firstRow: args.firstRow,
          f4: gram.stride / 4,
          limit: gram.rows,
          capacity: picks.capacity,
          begin: from,
          end: to,
          firstLatent: shard.firstRow,
          latents: shard.rows,
        },
        buffers: {
          gram: shard.buffer,
          step: args.step,
          done: picks.done,
          scores: args.scores,
          latents: picks.latents,
          values: picks.values,
          best: picks.best,
        },
        groups: gridFor(args.rows * lanes.LANES, THREADS, gpu.facts.maxGroups),
      });
    if (gram.shards.length === 1) return [one(gram.shards[0], begin, end)];
    return Array.from({ length: end - begin }, (_, i) => begin + i).flatMap((t) =>
      // Before the first iteration no row of products is needed: the first buffer has all rows.
      (t === 0 ? gram.shards.slice(0, 1) : gram.shards).map((shard) => one(shard, t, t + 1))
    );
  },
};
