/**
 * The BatchTopK gate: the K = floor(k · rows) largest positive scores of the whole batch, ties to the lowest row and then
 * to the lowest latent; and gates that follow the K-th value from step to step. Source: architectures spec, section 3.
 *
 * Panels are appended to lists above a guess, 0.8 of the last K-th value; the exact value is found among what was
 * appended. When that is less than K, the panels are scored again and everything positive is appended: the GPU decides.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Dispatch } from "../../gpu/kernel.ts";
import type { Command } from "../../gpu/program.ts";
import { CODE_BUDGET, createRowLists, planCapacity } from "../../kernels/capacity.ts";
import { SCALARS } from "../../kernels/common.ts";
import { emitPanel, type SliceArgs } from "../../kernels/emit_panel.ts";
import { type Guarded, planIndirect } from "../../kernels/plan_indirect.ts";
import { radixCount } from "../../kernels/radix_count.ts";
import { type Following, radixPick } from "../../kernels/radix_pick.ts";
import { BATCH_STATE, createRadixState, DIGITS, FOUND } from "../../kernels/radix_state.ts";
import { createTieCounts, selectEntries } from "../../kernels/select_entries.ts";
import type { Gate, ScorePanel, Selection } from "../types.ts";
import { countCutRows, emitPanels } from "./emit.ts";
import type { TopkGateOptions } from "./topk.ts";

/** Weight of a new value in the average that becomes the threshold after training. */
export const AVERAGE_RATE = 0.001;

/** Where the gate gets its numbers from. */
export interface BatchTopkGateOptions {
  /** Rows of a batch. */
  rows: number;
  /** Latents in all. */
  latents: number;
  /** Largest k of the whole run, where the gate is the batch's own K-th value: K is k · rows at most. */
  kMax: number;
  /** The buffer `step`: K in its word `batchK`, and `track`. */
  step: GPUBuffer;
  /** u32: upper bound of the latent numbers. */
  count: GPUBuffer;
  /** The buffer `scalars`: takes the threshold and the number of rows that were cut. */
  scalars: GPUBuffer;
  /** What follows the K-th values; their average when absent. */
  following?: Following;
}

/**
 * Bytes of the lists. Rows that would take more than their room, which is tens of k where latents are many, keep their
 * largest scores and are counted.
 */
const LISTS_BUDGET = 128 * 2 ** 20;

/** Makes the gate of a model. */
export function batchTopkGate(gpu: Gpu, options: BatchTopkGateOptions): Gate {
  const { scalars } = options;
  const following = options.following ?? { kind: "average", rate: AVERAGE_RATE };
  // What exceeds a gate of the steps before is bounded by nothing else.
  const bounded = following.kind === "average";
  const { selection, lists: { code, keep }, state } = batchSelection(gpu, {
    ...options,
    following,
    bounded,
    budget: bounded ? LISTS_BUDGET : CODE_BUDGET,
  });
  return {
    scope: following.kind === "average" ? "batch" : "threshold",
    codes: [{
      code,
      most: bounded ? Math.min(keep, options.kMax) : keep,
      weight: 1,
      trainsDecoder: true,
    }],
    parameters: [],
    state: [{ name: "batch_threshold", buffer: state, words: BATCH_STATE.words }],
    forward(panels) {
      const { panels: appended, finish } = selection(panels);
      return {
        panels: appended,
        finish: [...finish, {
          kind: "copy",
          from: state,
          fromOffset: BATCH_STATE.report * 4,
          to: scalars,
          toOffset: SCALARS.threshold * 4,
          size: 4,
        }],
      };
    },
  };
}

/** Entries of a row that AuxK has room for, as a multiple of what rows have on average. */
const AUX_ROOM = 16;

/** Bytes of an entry of a list. */
const LIST_BYTES = 12;

/**
 * Makes the gate that selects for AuxK over the batch: the rows · min(k_aux, number of dead latents) largest positive
 * scores of the dead latents. `options.count` counts them, the word `k` of `options.step` is k_aux.
 */
export function batchAuxGate(
  gpu: Gpu,
  options: TopkGateOptions & { latents: number; scalars?: GPUBuffer },
): Gate {
  const { rows, kMax, count } = options;
  const { selection, lists: { code, keep } } = batchSelection(gpu, {
    ...options,
    dead: count,
    following: { kind: "nothing", rate: 0 },
    bounded: true,
    budget: Math.min(LISTS_BUDGET, rows * AUX_ROOM * kMax * LIST_BYTES),
  });
  return {
    scope: "batch",
    codes: [{ code, most: Math.min(keep, kMax), weight: 1, trainsDecoder: true }],
    parameters: [],
    state: [],
    forward: selection,
  };
}

interface BatchSelectionOptions {
  rows: number;
  latents: number;
  step: GPUBuffer;
  count: GPUBuffer;
  map?: GPUBuffer;
  /** The number of dead latents, where K depends on it; then `k` of `step` counts. */
  dead?: GPUBuffer;
  scalars?: GPUBuffer;
  following: Following;
  kMax: number;
  /** Whether the code has no more than rows · kMax entries. */
  bounded: boolean;
  budget: number;
}

function batchSelection(gpu: Gpu, options: BatchSelectionOptions) {
  const { rows, latents, step, count, map, dead, scalars, following, budget, bounded } = options;
  const lists = createRowLists(
    gpu,
    rows,
    planCapacity(rows, latents, gpu.facts, budget, !bounded),
  );
  const { code } = lists;
  const most = Math.floor(options.kMax * rows);
  const radix = createRadixState(gpu);
  const ties = createTieCounts(gpu, rows);
  const bar = { buffer: radix.state, word: BATCH_STATE.guess };
  const pick = (digit: number, again = false) =>
    radixPick.record(gpu, { radix, rows, most, digit, again, step, dead, following });
  const retries = following.kind === "average" || following.kind === "quantile";

  const selection = (panels: readonly ScorePanel[]): Selection => {
    const emit = (slice: SliceArgs) => emitPanel.record(gpu, { ...slice, lists, bar, count, map });
    const { panels: appended, finish } = emitPanels(gpu, [lists], panels, emit);
    const firstCount = radixCount.record(gpu, code, radix, 0);
    const again = [...appended.flat(), ...finish, firstCount];
    return {
      panels: appended,
      finish: [
        ...finish,
        firstCount,
        pick(0),
        ...retries ? [...whileShort(gpu, radix.found, again), pick(0, true)] : [],
        ...DIGITS.slice(1).flatMap((_, i) => [
          radixCount.record(gpu, code, radix, i + 1),
          pick(i + 1),
        ]),
        ...selectEntries.record(gpu, code, radix.found, ties),
        ...scalars ? countCutRows(gpu, lists, scalars, dead !== undefined) : [],
      ],
    };
  };
  return { selection, lists, state: radix.state };
}

/** Commands that run only where the guess was too high. */
function whileShort(gpu: Gpu, found: GPUBuffer, commands: readonly Command[]): Command[] {
  const guarded = commands.map((c): Guarded | Exclude<Command, Dispatch> =>
    "kind" in c ? c : { dispatch: c, above: 0 }
  );
  return planIndirect.record(gpu, found, FOUND.short, guarded);
}
