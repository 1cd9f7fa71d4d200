/**
 * From the counts of a pass to the next digit of the K-th largest value of a batch.
 * @module
 */
import source from "../../shaders/radix_pick.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { STEP } from "./common.ts";
import { BATCH_STATE, DIGITS, FOUND, type RadixState } from "./radix_state.ts";

/** What follows the K-th largest values of the batches. */
export interface Following {
  /**
   * `average`: nothing but their average, for use after training; `quantile`: the gate is the average of the steps
   * before; `control`: the gate moves by how far the number of active latents is from what is wanted; `nothing`.
   */
  kind: "average" | "quantile" | "control" | "nothing";
  /** Weight of a new value in the average; of `control`, how far it moves for each active latent too many or few. */
  rate: number;
}

/** What to pick from. */
export interface PickArgs {
  /** Buffers of the selection. */
  radix: RadixState;
  /** Rows of the batch. */
  rows: number;
  /** Entries that there is room for after the selection: a larger K counts as this. */
  most: number;
  /** Digit, 0 the highest. */
  digit: number;
  /** The first digit for the second time, in case that the guess was too high. */
  again?: boolean;
  /** The buffer `step`: K in its word `batchK`; with `dead`, k of a row in its word `k`. */
  step: GPUBuffer;
  /** u32: number of dead latents; then K = rows · min(k, dead). */
  dead?: GPUBuffer;
  /** What follows. */
  following: Following;
}

/** The picking. */
export const radixPick = {
  kernel: defineKernel({
    name: "radix_pick",
    source,
    buffers: ["step", "count", "bins", "found", "state"],
    dims: ["rows", "most", "rate"],
  }),

  /** The bins twice. */
  cost(): Cost {
    return { flops: 256, bytes: 2048 };
  },

  /** One dispatch of one workgroup. */
  record(gpu: Gpu, args: PickArgs): Dispatch {
    const { radix: { bins, found, state }, rows, most, digit, again, step, dead, following } = args;
    const { kind, rate } = following;
    return radixPick.kernel.dispatch(gpu, {
      label: `digit ${digit}${again ? " again" : ""}`,
      defines: {
        SHIFT: DIGITS[digit].shift,
        FIRST: digit === 0 ? 1 : 0,
        AGAIN: again ? 1 : 0,
        RETRY: !again && (kind === "average" || kind === "quantile") ? 1 : 0,
        LAST: digit === DIGITS.length - 1 ? 1 : 0,
        DEAD: dead ? 1 : 0,
        AVERAGES: kind === "average" ? 1 : 0,
        GATES: kind === "quantile" || kind === "control" ? 1 : 0,
        MOVES: kind === "control" ? 1 : 0,
        K_WORD: dead ? STEP.k : STEP.batchK,
        TRACK_WORD: STEP.track,
        SHORT: FOUND.short,
        ALL: FOUND.all,
        WANTED: FOUND.wanted,
        TOTAL: FOUND.total,
        REMAINING: FOUND.remaining,
        PREFIX: FOUND.prefix,
        TIES: FOUND.ties,
        GUESS: BATCH_STATE.guess,
        AVERAGE: BATCH_STATE.average,
        REPORT: BATCH_STATE.report,
      },
      dims: { rows, most, rate },
      buffers: { step, count: dead ?? step, bins, found, state },
      groups: [1, 1, 1],
    });
  },
};
