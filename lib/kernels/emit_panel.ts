/**
 * Appends to the lists of the rows every latent of a panel whose score passes.
 * @module
 */
import source from "../../shaders/emit_panel.wgsl" with { type: "text" };
import emitPair from "../../shaders/parts/emit_pair.wgsl" with { type: "text" };
import scoreMarks from "../../shaders/parts/score_marks.wgsl" with { type: "text" };
import pairSource from "../../shaders/emit_panel_pair.wgsl" with { type: "text" };
import type { DeviceFacts } from "../gpu/facts.ts";
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { canCut, type RowLists } from "./capacity.ts";
import { PARTS, THREADS } from "./common.ts";

/** Scores, and which of them are looked at. */
export interface SliceArgs {
  /** f32 [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
  /** Number of the panel's first latent, a multiple of 4. */
  firstLatent: number;
  /** Where in the panel the slice begins, a multiple of 4. */
  from: number;
  /** Latents of the slice, without padding. */
  latents: number;
}

/** What to append. */
export interface EmitArgs extends SliceArgs {
  /** Lists to append to; the slice of latent 0 empties them. */
  lists: RowLists;
  /** What a score has to exceed beside 0: one number, or one a latent where no word is given; absent for nothing. */
  bar?: { buffer: GPUBuffer; word?: number };
  /** u32: upper bound of the latent numbers, known to the GPU only. */
  count: GPUBuffer;
  /** u32: latents behind the numbers of the panel, when they are places in a list. */
  map?: GPUBuffer;
}

/** What to append to two lists at once. */
export interface EmitPairArgs extends SliceArgs {
  /** Lists of what is active. */
  lists: RowLists;
  /** Lists of what the gradient needs beyond. */
  second: RowLists;
  /** How scores become entries. */
  rule:
    /** `theta` f32 [latents]; the second list holds what lies within `window` / 2 of it. */
    | { kind: "jump"; theta: GPUBuffer; window: number }
    /** `params` f32 [3, stride]: r, b_gate, b_mag; the second list holds π = u + b_gate > 0. */
    | { kind: "gated"; params: GPUBuffer; stride: number };
}

/** vec4s that a thread with a row looks at together. */
const GROUP = 32;

/** The same where it keeps their values: at least so many. */
const PAIR_GROUP = 8;

/** The appending of a panel. */
export const emitPanel = {
  kernel: defineKernel({
    name: "emit_panel",
    source,
    parts: { ...PARTS, score_marks: scoreMarks },
    buffers: ["scores", "bars", "count", "map", "floors", "spans", "entries"],
    dims: [
      "rows",
      "width4",
      "stride4",
      "offset4",
      "firstLatent",
      "limit",
      "capacity",
      "first",
      "word",
    ],
  }),

  pairKernel: defineKernel({
    name: "emit_panel",
    source: pairSource,
    parts: { ...PARTS, score_marks: scoreMarks, emit_pair: emitPair },
    buffers: [
      "scores",
      "params",
      "floors",
      "floors2",
      "spans",
      "entries",
      "spans2",
      "entries2",
    ],
    dims: [
      "rows",
      "width4",
      "stride4",
      "offset4",
      "firstLatent",
      "limit",
      "capacity",
      "capacity2",
      "first",
      "params4",
      "halfWindow",
    ],
  }),

  /**
   * A subgroup a row where there are subgroups, else a thread a row; pure. On the CPU, where neighbouring threads have no
   * need to read neighbouring scores, threads are several times as fast.
   */
  plan(
    shape: { rows: number },
    facts: DeviceFacts,
  ): { lanes: number; grid: readonly [number, number, number] } {
    const fits = !facts.software && facts.subgroupSize > 0 && THREADS % facts.subgroupSize === 0;
    const lanes = fits ? facts.subgroupSize : 1;
    return { lanes, grid: gridFor(shape.rows * lanes, THREADS, facts.maxGroups) };
  },

  /** One compare a score; scores once, and `k` entries a row. */
  cost({ rows, width, k }: { rows: number; width: number; k: number }): Cost {
    return { flops: rows * width, bytes: 4 * rows * (width + 2 * k) };
  },

  /** One dispatch for one slice of a panel. */
  record(gpu: Gpu, args: EmitArgs): Dispatch {
    const { lists, bar, count, map, scores } = args;
    const floors = canCut(lists);
    const { lanes, grid } = emitPanel.plan(lists.code, gpu.facts);
    const vector = bar !== undefined && bar.word === undefined;
    return emitPanel.kernel.dispatch(gpu, {
      label: lanes > 1 ? "subgroup" : "thread",
      defines: {
        ...formOf(lanes, gpu.facts, GROUP, vector),
        FLOORS: floors ? 1 : 0,
        MAPPED: map ? 1 : 0,
        BAR_WORD: bar?.word === undefined ? 0 : 1,
        BAR_VECTOR: vector ? 1 : 0,
      },
      dims: { ...sliceDims(args, lists), word: bar?.word ?? 0 },
      buffers: {
        scores,
        bars: bar?.buffer ?? scores,
        count,
        map: map ?? count,
        floors: floors ? lists.floors : scores,
        spans: lists.code.spans,
        entries: lists.code.entries,
      },
      groups: grid,
    });
  },

  /** One dispatch for one slice of a panel; both lists have to leave room for it. */
  recordPair(gpu: Gpu, args: EmitPairArgs): Dispatch {
    const { lists, second, rule, scores } = args;
    const jump = rule.kind === "jump";
    const floors = canCut(lists) || canCut(second);
    const { lanes, grid } = emitPanel.plan(lists.code, gpu.facts);
    return emitPanel.pairKernel.dispatch(gpu, {
      label: rule.kind,
      defines: {
        ...formOf(lanes, gpu.facts, PAIR_GROUP, true),
        FLOORS: floors ? 1 : 0,
        JUMP: jump ? 1 : 0,
      },
      dims: {
        ...sliceDims(args, lists),
        capacity2: second.code.capacity,
        params4: jump ? 0 : rule.stride / 4,
        halfWindow: jump ? rule.window / 2 : 0,
      },
      buffers: {
        scores,
        params: jump ? rule.theta : rule.params,
        floors: floors ? lists.floors : scores,
        floors2: floors ? second.floors : scores,
        spans: lists.code.spans,
        entries: lists.code.entries,
        spans2: second.code.spans,
        entries2: second.code.entries,
      },
      groups: grid,
    });
  },
};

/**
 * What makes a shader one form or the other.
 * @param lanes threads of a row
 * @param group vec4s that a thread with a row looks at together
 * @param common whether something is the same for all rows, which lanes then read for each other
 */
function formOf(lanes: number, facts: DeviceFacts, group: number, common: boolean) {
  const size = facts.subgroupSize;
  if (lanes > 1) return { SHARED: 1, SUBGROUPS: 1, LANES: lanes, GROUP: lanes };
  const shares = common && size > 0 && size <= GROUP && THREADS % size === 0;
  if (!shares) return { SHARED: 0, SUBGROUPS: 0, LANES: 1, GROUP: group };
  return { SHARED: 0, SUBGROUPS: 1, LANES: size, GROUP: Math.max(group, size) };
}

function sliceDims({ panel, firstLatent, from, latents }: SliceArgs, { code }: RowLists) {
  return {
    rows: code.rows,
    width4: Math.ceil(latents / 4),
    stride4: panel / 4,
    offset4: from / 4,
    firstLatent: firstLatent + from,
    limit: firstLatent + from + latents,
    capacity: code.capacity,
    first: firstLatent + from === 0 ? 1 : 0,
  };
}
