/**
 * Keeping what a selection over the batch has found: counting ties, their scan, and the selection itself.
 * @module
 */
import { createBuffer } from "../../lib/gpu/device.ts";
import { FOUND } from "../../lib/kernels/radix_state.ts";
import { createTieCounts, selectEntries } from "../../lib/kernels/select_entries.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "select_entries",
  cases: (stage) =>
    stage.shapes.map((shape) => {
      const { rows, latents, k } = shape;
      const { byRow } = stage.code(shape);
      const spans = createBuffer(stage.gpu, byRow.spans.size, "spans");
      const entries = createBuffer(stage.gpu, byRow.entries.size, "entries");
      const bar = new Uint32Array(Float32Array.of(0.3).buffer)[0];
      const found = stage.words(FOUND.words, (i) =>
        i === FOUND.prefix ? bar : i === FOUND.ties ? 1 : 0);
      const copy = (from: GPUBuffer, to: GPUBuffer) =>
        ({ kind: "copy", from, fromOffset: 0, to, toOffset: 0, size: from.size }) as const;
      return {
        shape: `${rows} x ${k} of ${latents}`,
        cost: selectEntries.cost({ rows, k }),
        commands: [
          copy(byRow.spans, spans),
          copy(byRow.entries, entries),
          ...selectEntries.record(
            stage.gpu,
            { ...byRow, spans, entries },
            found,
            createTieCounts(stage.gpu, rows),
          ),
        ],
        output: spans,
        type: "u32" as const,
        check: (_: Float32Array, words: Uint32Array) => {
          const kept = words[3] - words[2];
          return kept > 0 && kept < k ? undefined : `${kept} entries of row 1 are kept`;
        },
      };
    }),
};
