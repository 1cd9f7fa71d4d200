/**
 * Gates that let through what passes a bar: ReLU, and a threshold that is one number for all latents or one each. Also
 * how every gate appends panels to lists whose length nobody bounds.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { canCut, createRowLists, planCapacity, type RowLists } from "../../kernels/capacity.ts";
import { SCALARS } from "../../kernels/common.ts";
import { emitPanel, type SliceArgs } from "../../kernels/emit_panel.ts";
import { trimRows } from "../../kernels/trim_rows.ts";
import type { Gate, ScorePanel, Selection, StateBuffer } from "../types.ts";

/**
 * Appends all panels to lists, a slice at a time, and cuts lists that grow too long in between and at the end.
 * @param lists lists that `emit` appends to
 * @param emit appends one slice to all of them
 */
export function emitPanels(
  gpu: Gpu,
  lists: readonly RowLists[],
  panels: readonly ScorePanel[],
  emit: (slice: SliceArgs) => Command,
): Selection {
  const cut = lists.filter(canCut);
  const most = Math.min(...lists.map((l) => l.slice));
  return {
    panels: panels.map(({ commands, firstLatent, latents, scores, panel }) => {
      const out = [...commands()];
      const slice = Math.min(most, panel);
      for (let from = 0; from < latents; from += slice) {
        const here = Math.min(slice, latents - from);
        out.push(emit({ scores, panel, firstLatent, from, latents: here }));
        const first = firstLatent + from === 0;
        for (const list of cut) out.push(trimRows.record(gpu, list, { first, last: false }));
      }
      return out;
    }),
    finish: cut.map((list) => trimRows.record(gpu, list, { first: false, last: true })),
  };
}

/** The number of rows that were cut, into `scalars`; nothing where no row can be. */
export function countCutRows(
  gpu: Gpu,
  lists: RowLists,
  scalars: GPUBuffer,
  add = false,
): Command[] {
  const word = SCALARS.cappedRows;
  return canCut(lists) ? [trimRows.recordCount(gpu, lists, { scalars, word, add })] : [];
}

/** Where a gate with a bar gets its numbers from. */
export interface ThresholdGateOptions {
  /** Rows of a batch. */
  rows: number;
  /** Latents in all. */
  latents: number;
  /** What scores have to exceed beside 0; nothing for ReLU. One number of a buffer, or one a latent. */
  bar?: { buffer: GPUBuffer; word?: number };
  /** u32: upper bound of the latent numbers. */
  count: GPUBuffer;
  /** The buffer `scalars`: takes the number of rows that were cut. */
  scalars: GPUBuffer;
  /** Words that belong to a checkpoint. */
  state?: readonly StateBuffer[];
}

/** Makes a gate that lets through every score above 0 and above its bar, strictly. */
export function thresholdGate(gpu: Gpu, options: ThresholdGateOptions): Gate {
  const { rows, latents, bar, count, scalars, state = [] } = options;
  const lists = createRowLists(gpu, rows, planCapacity(rows, latents, gpu.facts));
  return {
    scope: "threshold",
    codes: [{ code: lists.code, most: lists.keep, weight: 1, trainsDecoder: true }],
    parameters: [],
    state,
    forward(panels) {
      const emit = (slice: SliceArgs) => emitPanel.record(gpu, { ...slice, lists, bar, count });
      const { panels: appended, finish } = emitPanels(gpu, [lists], panels, emit);
      return { panels: appended, finish: [...finish, ...countCutRows(gpu, lists, scalars)] };
    },
  };
}
