/**
 * Cutting lists of which every entry but an eighth stays: the entries lie as a copy of what an emission left, made anew
 * before each cut.
 * @module
 */
import { createBuffer } from "../../lib/gpu/device.ts";
import { createRowLists } from "../../lib/kernels/capacity.ts";
import { trimRows } from "../../lib/kernels/trim_rows.ts";
import { draw } from "../stage.ts";
import type { KernelBench } from "../types.ts";

/** The bench. */
export const bench: KernelBench = {
  stem: "trim_rows",
  cases: (stage) =>
    stage.shapes.map(({ rows }) => {
      const capacity = 512, slice = 64, keep = 448;
      const lists = createRowLists(stage.gpu, rows, { capacity, slice, keep });
      const { spans, entries } = lists.code;
      const write = (label: string, data: Uint32Array<ArrayBuffer>) => {
        const buffer = createBuffer(stage.gpu, data.byteLength, label);
        stage.gpu.device.queue.writeBuffer(buffer, 0, data);
        return buffer;
      };
      const bits = new Uint32Array(draw(rows * capacity, 8).map(Math.abs).buffer);
      const filled = write(
        "filled",
        Uint32Array.from({ length: rows * capacity * 2 }, (_, i) => i % 2 ? bits[i >> 1] : i >> 1),
      );
      const full = write(
        "full",
        Uint32Array.from({ length: rows * 2 }, (_, i) => ((i >> 1) + i % 2) * capacity),
      );
      const copy = (from: GPUBuffer, to: GPUBuffer) =>
        ({ kind: "copy", from, fromOffset: 0, to, toOffset: 0, size: from.size }) as const;
      return {
        shape: `${rows} x ${capacity} to ${keep}`,
        cost: trimRows.cost({ rows, k: capacity }),
        footprint: rows * capacity * 16,
        commands: [
          copy(filled, entries),
          copy(full, spans),
          trimRows.record(stage.gpu, lists, { first: true, last: false }),
        ],
        output: spans,
        type: "u32" as const,
        check: (_: Float32Array, words: Uint32Array) =>
          words[3] - words[2] === keep ? undefined : `row 1 has ${words[3] - words[2]} entries`,
      };
    }),
};
