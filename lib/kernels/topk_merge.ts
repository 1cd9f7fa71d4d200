/**
 * Merges a panel of scores into the running k largest of each row.
 * @module
 */
import source from "../../shaders/topk_merge.wgsl" with { type: "text" };
import scoreMarks from "../../shaders/parts/score_marks.wgsl" with { type: "text" };
import registersSource from "../../shaders/topk_merge_registers.wgsl" with { type: "text" };
import subgroupSource from "../../shaders/topk_merge_subgroup.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { roundUp } from "../tensor/shards.ts";
import { pickVariant, type Variant } from "../gpu/tuning.ts";
import { PARTS, STEP, THREADS } from "./common.ts";

/** Running lists of the best scores a row. */
export interface RunningBest {
  /** Rows. */
  rows: number;
  /** Entries of a list, a multiple of 4. */
  capacity: number;
  /** f32 [rows, capacity]. */
  score: GPUBuffer;
  /** u32 [rows, capacity]; 0xffffffff where empty. */
  latent: GPUBuffer;
  /** vec2u [rows]: smallest score of the list and its slot. */
  floors: GPUBuffer;
}

/** What to merge. */
export interface MergeArgs {
  /** Lists to merge into. */
  best: RunningBest;
  /** Panel of scores [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
  /** Latents of the panel that are looked at, a multiple of 4. */
  width: number;
  /** Number of the panel's first latent. */
  firstLatent: number;
  /** Latents in all: the panel's padding beyond is ignored. */
  latents: number;
  /** u32: another upper bound of the latent numbers, known to the GPU only. */
  count: GPUBuffer;
  /** The buffer `step`: word k. */
  step: GPUBuffer;
  /** Entries to keep of a row, in units of k; 1 when absent. */
  times?: number;
}

/** Makes empty lists. */
export function createRunningBest(gpu: Gpu, rows: number, k: number): RunningBest {
  const capacity = roundUp(k, 4);
  return {
    rows,
    capacity,
    score: createBuffer(gpu, rows * capacity * 4, "best scores"),
    latent: createBuffer(gpu, rows * capacity * 4, "best latents"),
    floors: createBuffer(gpu, rows * 8, "floors"),
  };
}

/** All shaders bind and measure alike. */
const INTERFACE = {
  name: "topk_merge",
  parts: { ...PARTS, score_marks: scoreMarks },
  buffers: ["scores", "count", "step", "bestScore", "bestLatent", "floors"],
  dims: ["rows", "width4", "firstLatent", "limit", "capacity4", "first"],
} as const;

/** Sizes that a variant depends on, in floats. */
interface MergeShape {
  /** Of a list. */
  capacity: number;
  /** Of a panel's row. */
  panel: number;
}

/** A way to merge. */
interface MergeVariant extends Variant {
  name: "registers" | "subgroup" | "thread";
  /** vec4s of the list in registers; 0 where the list stays in memory. */
  vecs: number;
}

/** A plan for a shape on a device. */
export interface MergePlan {
  /** Who has a row, and where its list is. */
  variant: MergeVariant["name"];
  /** vec4s of the list in a thread's registers; 0 where the list stays in memory. */
  vecs: number;
  /** vec4s that a thread with a list in registers looks at together. */
  group: number;
  /** Workgroups. */
  grid: readonly [number, number, number];
}

/** vec4s of its part of a list that a lane can hold in registers; longer lists stay in memory. */
const MOST_LANE_VECS = 8;

/** The same for a thread with a list of its own: a CPU keeps what is too much in its first cache. */
const MOST_VECS = { software: 32, hardware: 16 };

/**
 * What works on a device for a shape: what is taken untuned first, what works everywhere last. A CPU gains nothing from
 * neighbours that look at the same row, and a reduction over a subgroup costs it hundreds of cycles.
 */
function variantsFor(facts: DeviceFacts, { capacity, panel }: MergeShape): MergeVariant[] {
  const variants: MergeVariant[] = [{ name: "thread", vecs: 0 }];
  const own = capacity / 4;
  const most = facts.software ? MOST_VECS.software : MOST_VECS.hardware;
  if (own <= most) variants.unshift({ name: "registers", vecs: own });
  const lanes = facts.subgroupSize;
  const vecs = lanes ? Math.ceil(capacity / 4 / lanes) : Infinity;
  const fits = lanes > 0 && THREADS % lanes === 0 && vecs <= MOST_LANE_VECS &&
    (panel / 4) % lanes === 0;
  // Before the form in memory, and on hardware before all others.
  if (fits) variants.splice(facts.software ? -1 : 0, 0, { name: "subgroup", vecs });
  return variants;
}

/** Wide groups pay where much is to be moved for a score that enters: more threads then have one at the same time. */
function groupFor(vecs: number, panel: number): number {
  const wanted = vecs > 8 ? 32 : 16;
  return [wanted, 16, 8, 4, 2, 1].find((group) => (panel / 4) % group === 0) ?? 1;
}

/** The running selection. */
export const topkMerge = {
  kernel: defineKernel({ ...INTERFACE, source }),
  registersKernel: defineKernel({ ...INTERFACE, source: registersSource }),
  subgroupKernel: defineKernel({ ...INTERFACE, source: subgroupSource }),

  /** The variants that a device can run, the one that is taken untuned first. */
  variants: variantsFor,

  /**
   * One thread or one subgroup a row with the list in registers, or one thread a row with the list in memory; pure.
   * @param shape capacity of a list and width of a panel, in floats
   */
  plan(shape: MergeShape & { rows: number }, facts: DeviceFacts): MergePlan {
    const { name, vecs } = pickVariant("topk_merge", variantsFor(facts, shape), facts);
    const threads = shape.rows * (name === "subgroup" ? facts.subgroupSize : 1);
    const group = name === "registers" ? groupFor(vecs, shape.panel) : 1;
    return { variant: name, vecs, group, grid: gridFor(threads, THREADS, facts.maxGroups) };
  },

  /** One compare a score; scores once, lists twice. */
  cost({ rows, width, k }: { rows: number; width: number; k: number }): Cost {
    return { flops: rows * width, bytes: 4 * rows * (width + 4 * k) };
  },

  /** One dispatch for one panel; the panel with first latent 0 empties the lists first. */
  record(gpu: Gpu, args: MergeArgs): Dispatch {
    if (args.width !== args.panel) {
      throw new RangeError(
        `Cannot merge a panel: ${args.width} latents wanted, rows have ${args.panel}`,
      );
    }
    const plan = topkMerge.plan({ ...args.best, panel: args.panel }, gpu.facts);
    const kernel = {
      registers: topkMerge.registersKernel,
      subgroup: topkMerge.subgroupKernel,
      thread: topkMerge.kernel,
    }[plan.variant];
    const choice = { K_WORD: STEP.k, TIMES: args.times ?? 1 };
    const forms = {
      registers: { VECS: plan.vecs, GROUP: plan.group },
      subgroup: { SUBGROUPS: 1, LANES: gpu.facts.subgroupSize, VECS: plan.vecs },
      thread: {},
    };
    return kernel.dispatch(gpu, {
      label: plan.variant,
      defines: { ...choice, ...forms[plan.variant] },
      dims: {
        rows: args.best.rows,
        width4: args.width / 4,
        firstLatent: args.firstLatent,
        limit: args.latents,
        capacity4: args.best.capacity / 4,
        first: args.firstLatent === 0 ? 1 : 0,
      },
      buffers: {
        scores: args.scores,
        count: args.count,
        step: args.step,
        bestScore: args.best.score,
        bestLatent: args.best.latent,
        floors: args.best.floors,
      },
      groups: plan.grid,
    });
  },
};
