/**
 * Iterations of matching pursuit on scores, with the products of all pairs of latents (Gram form).
 * @module
 */
import source from "../../shaders/pursuit_step.wgsl" with { type: "text" };
import registersSource from "../../shaders/pursuit_step_registers.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { TexelRows } from "../gpu/texels.ts";
import { STEP, THREADS } from "./common.ts";
import { type Picks, planLanes, PURSUIT_PARTS } from "./picks.ts";

/** What to go on with. */
export interface PursuitStepArgs {
  /** Picks and stopped rows; all zero before the first iteration. */
  picks: Picks;
  /** Products of all pairs of latents [latents, latents]: in buffers, or in a texture. */
  gram: Rows | TexelRows;
  /** f32 [rows of the chunk, latents up to a multiple of 4]: scores, the padding of any value; left as they are or spent. */
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

/** Scores of a row in registers. */
export interface RegistersPlan {
  /** Threads of a row. */
  THREADS: number;
  /** Threads of a subgroup. */
  LANES: number;
  /** Vec4s of a thread. */
  VECS: number;
}

/** Vec4s of a thread at most: more make a text that takes long to compile. */
const MOST_VECS = 64;

/** Rows of products, and what has them. */
interface Held {
  firstRow: number;
  rows: number;
  buffer: GPUBuffer | TexelRows["texels"];
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

  registersKernel: defineKernel({
    name: "pursuit_step",
    source: registersSource,
    parts: PURSUIT_PARTS,
    buffers: ["gram", "step", "done", "scores", "latents", "values"],
    dims: ["rows", "firstRow", "f4", "limit", "capacity", "end"],
  }),

  /** A multiply-add and a compare a latent and iteration; scores twice, a row of products once. */
  cost({ rows, latents, iterations }: { rows: number; latents: number; iterations: number }): Cost {
    const each = rows * latents * iterations;
    return { flops: 3 * each, bytes: 12 * each };
  },

  /**
   * How the scores of a row stay in registers, on adapters on the CPU that have the products in a texture; nothing elsewhere;
   * pure.
   */
  plan(facts: DeviceFacts, latents: number): RegistersPlan | undefined {
    const { LANES, SUBGROUPS } = planLanes(facts, THREADS);
    const vec4s = Math.ceil(latents / 4);
    // As few threads as can hold them: subgroups that wait for each other are slower.
    const groups = Math.ceil(vec4s / LANES / MOST_VECS);
    if (!facts.software || !SUBGROUPS || groups * LANES > facts.maxInvocations) return undefined;
    const VECS = Math.ceil(vec4s / LANES / groups);
    return { THREADS: groups * LANES, LANES, VECS };
  },

  /** One dispatch; or one an iteration and buffer where `gram` is split. */
  record(gpu: Gpu, args: PursuitStepArgs): Dispatch[] {
    const { picks, gram, begin, end } = args;
    const alone = args.gives === "picks";
    if (!alone && end !== begin + 1) {
      throw new RangeError(`Cannot give the best of ${end - begin} iterations, one is needed`);
    }
    const rules = { RELU: args.relu ? 1 : 0, LIMITED: args.limited ? 1 : 0, K_WORD: STEP.k };
    const dims = {
      rows: args.rows,
      firstRow: args.firstRow,
      f4: Math.ceil(gram.cols / 4),
      limit: gram.rows,
      capacity: picks.capacity,
    };
    const buffers = {
      step: args.step,
      done: picks.done,
      scores: args.scores,
      latents: picks.latents,
      values: picks.values,
    };
    const texels = "texels" in gram ? gram.texels : undefined;
    const registers = texels && alone && begin === 0
      ? pursuitStep.plan(gpu.facts, gram.rows)
      : undefined;
    if (registers) {
      return [pursuitStep.registersKernel.dispatch(gpu, {
        label: "registers",
        defines: { ...registers, ...rules, SUBGROUPS: 1 },
        dims: { ...dims, end },
        buffers: { ...buffers, gram: texels! },
        groups: gridFor(args.rows, 1, gpu.facts.maxGroups),
      })];
    }
    const lanes = planLanes(gpu.facts, THREADS);
    const one = (held: Held, from: number, to: number): Dispatch =>
      pursuitStep.kernel.dispatch(gpu, {
        defines: { ...lanes, ...rules, ALONE: alone ? 1 : 0, TEXELS: texels ? 1 : 0 },
        dims: { ...dims, begin: from, end: to, firstLatent: held.firstRow, latents: held.rows },
        buffers: { ...buffers, gram: held.buffer, best: picks.best },
        groups: gridFor(args.rows * lanes.LANES, THREADS, gpu.facts.maxGroups),
      });
    const parts: readonly Held[] = "texels" in gram
      ? [{ firstRow: 0, rows: gram.rows, buffer: gram.texels }]
      : gram.shards;
    if (parts.length === 1) return [one(parts[0], begin, end)];
    return Array.from({ length: end - begin }, (_, i) => begin + i).flatMap((t) =>
      // Before the first iteration no row of products is needed: the first buffer has all rows.
      (t === 0 ? parts.slice(0, 1) : parts).map((part) => one(part, t, t + 1))
    );
  },
};
