/**
 * Joins codes of several layers to one, row by row.
 * @module
 */
import source from "../../shaders/append_code.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** Joining. */
export const appendCode = {
  kernel: defineKernel({
    name: "append_code",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "joinedSpans", "joined"],
    dims: ["rows", "capacity", "firstLatent", "first"],
  }),

  /** Every entry read and written. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 0, bytes: 16 * rows * (k + 1) };
  },

  /**
   * One dispatch a code, in ascending order of their latents; latents of code i count from `i · latents` on.
   * @throws RangeError when the joined rows have too little room
   */
  record(
    gpu: Gpu,
    codes: readonly CodeByRow[],
    latents: number,
    joined: CodeByRow,
  ): Dispatch[] {
    const needed = codes.reduce((n, code) => n + code.capacity, 0);
    if (joined.capacity < needed) {
      throw new RangeError(
        `Cannot join codes: rows have room for ${joined.capacity}, not ${needed}`,
      );
    }
    return codes.map((code, i) =>
      appendCode.kernel.dispatch(gpu, {
        dims: {
          rows: code.rows,
          capacity: joined.capacity,
          firstLatent: i * latents,
          first: i === 0 ? 1 : 0,
        },
        buffers: {
          spans: code.spans,
          entries: code.entries,
          joinedSpans: joined.spans,
          joined: joined.entries,
        },
        groups: gridFor(code.rows, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
