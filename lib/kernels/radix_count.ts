/**
 * One pass of a radix select over the values of a code: how many entries go on with each digit.
 * @module
 */
import source from "../../shaders/radix_count.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";
import { DIGITS, FOUND, type RadixState } from "./radix_state.ts";

/** Threads of a row. */
const ROW_THREADS = 8;

/** The counting. */
export const radixCount = {
  kernel: defineKernel({
    name: "radix_count",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "found", "bins"],
    dims: ["rows"],
  }),

  /** The entries once. */
  cost({ rows, k }: { rows: number; k: number }): Cost {
    return { flops: 0, bytes: 8 * rows * (k + 1) };
  },

  /** One dispatch for digit `digit`, 0 the highest. */
  record(gpu: Gpu, code: CodeByRow, { found, bins }: RadixState, digit: number): Dispatch {
    const { shift, bits } = DIGITS[digit];
    return radixCount.kernel.dispatch(gpu, {
      label: `digit ${digit}`,
      defines: { SHIFT: shift, BELOW: shift + bits, PREFIX: FOUND.prefix },
      dims: { rows: code.rows },
      buffers: { spans: code.spans, entries: code.entries, found, bins },
      groups: gridFor(code.rows * ROW_THREADS, THREADS, gpu.facts.maxGroups),
    });
  },
};
