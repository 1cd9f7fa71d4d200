/**
 * Keeps the entries of a code that a selection over the whole batch has found.
 * @module
 */
import source from "../../shaders/select_entries.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { type CodeByRow, SCAN_CHUNK } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";
import { FOUND } from "./radix_state.ts";
import { scanCounts } from "./scan_counts.ts";

/** Scratch of the selection: equal entries a row, and those before it. */
export interface TieCounts {
  /** u32 [rows]. */
  counts: GPUBuffer;
  /** u32 scratch of the scan. */
  chunkStarts: GPUBuffer;
  /** u32 [rows + 1]. */
  offsets: GPUBuffer;
}

/** Makes the scratch. */
export function createTieCounts(gpu: Gpu, rows: number): TieCounts {
  return {
    counts: createBuffer(gpu, rows * 4, "tie counts"),
    chunkStarts: createBuffer(gpu, Math.ceil(rows / SCAN_CHUNK) * 4, "tie chunk starts"),
    offsets: createBuffer(gpu, (rows + 1) * 4, "tie offsets"),
  };
}

/** The selection. */
export const selectEntries = {
  kernel: defineKernel({
    name: "select_entries",
    source,
    parts: PARTS,
    buffers: ["found", "ties", "spans", "entries"],
    dims: ["rows"],
  }),

  /** Entries twice. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 0, bytes: 16 * rows * (k + 1) };
  },

  /** Counts equal entries, scans, keeps. */
  record(gpu: Gpu, code: CodeByRow, found: GPUBuffer, scratch: TieCounts): Dispatch[] {
    const pass = (count: 0 | 1, ties: GPUBuffer) =>
      selectEntries.kernel.dispatch(gpu, {
        label: count ? "count" : "keep",
        defines: {
          COUNT: count,
          REMAINING: FOUND.remaining,
          PREFIX: FOUND.prefix,
          TIES: FOUND.ties,
        },
        dims: { rows: code.rows },
        buffers: { found, ties, spans: code.spans, entries: code.entries },
        groups: gridFor(code.rows, THREADS, gpu.facts.maxGroups),
      });
    return [
      pass(1, scratch.counts),
      ...scanCounts.record(gpu, { n: code.rows, ...scratch }),
      pass(0, scratch.offsets),
    ];
  },
};
