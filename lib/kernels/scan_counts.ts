/**
 * Exclusive prefix sums of u32 counts, with the total at the end.
 * @module
 */
import source from "../../shaders/scan_counts.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { SCAN_CHUNK } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to scan. */
export interface ScanArgs {
  /** Number of counts. */
  n: number;
  /** u32 [n]. */
  counts: GPUBuffer;
  /** u32 [ceil(n / SCAN_CHUNK)] scratch. */
  chunkStarts: GPUBuffer;
  /** u32 [n + 1]. */
  offsets: GPUBuffer;
}

/** The scan. */
export const scanCounts = {
  kernel: defineKernel({
    name: "scan_counts",
    source,
    parts: PARTS,
    buffers: ["counts", "chunkStarts", "offsets"],
    dims: ["n", "chunks"],
  }),

  /** Counts twice, offsets once. */
  cost({ n }: { n: number }): Cost {
    return { flops: 2 * n, bytes: 12 * n };
  },

  /** Three dispatches. */
  record(gpu: Gpu, { n, counts, chunkStarts, offsets }: ScanArgs): Dispatch[] {
    const chunks = Math.ceil(n / SCAN_CHUNK);
    const phases = [{ SUMS: 1, STARTS: 0 }, { SUMS: 0, STARTS: 1 }, { SUMS: 0, STARTS: 0 }];
    return phases.map((phase) =>
      scanCounts.kernel.dispatch(gpu, {
        defines: { ...phase, CHUNK: SCAN_CHUNK },
        dims: { n, chunks },
        buffers: { counts, chunkStarts, offsets },
        groups: gridFor(phase.STARTS ? 1 : chunks, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
