/**
 * Derivatives by the sub-key scores of a product-key memory, from those by the entries of a code.
 * @module
 */
import source from "../../shaders/pkm_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByRow } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to differentiate. */
export interface PkmGradientArgs {
  /** Sub-keys of the first side. */
  m1: number;
  /** Sub-keys of the second side. */
  m2: number;
  /** Selections of a row. */
  heads: number;
  /** The code, with dz; entry `i1 · m2 + i2`. */
  code: CodeByRow;
  /** u32 [rows · capacity]: bit h of an entry says that head h proposed it; absent for one head. */
  proposers?: GPUBuffer;
  /** f32 [rows, heads · (m1 + m2)]: u, then v, of every head. May be split by rows. Padding becomes zero. */
  grad: Rows;
  /** Add to what is there. */
  add?: boolean;
}

/** The gradient of the scores. */
export const pkmGradient = {
  kernel: defineKernel({
    name: "pkm_gradient",
    source,
    parts: PARTS,
    buffers: ["spans", "entries", "dz", "proposers", "grad"],
    dims: ["rows", "firstRow", "stride", "heads", "m1", "m2"],
  }),

  /** Threads of a row: few where each is a lane of one core, more where they store a line together; pure. */
  plan(
    rows: number,
    facts: DeviceFacts,
  ): { lanes: number; grid: readonly [number, number, number] } {
    const lanes = facts.software ? 8 : 32;
    return { lanes, grid: gridFor(rows * lanes, THREADS, facts.maxGroups) };
  },

  /** Two additions an entry; the scores once. */
  cost(
    { rows, k, m1, m2, heads }: { rows: number; k: number; m1: number; m2: number; heads: number },
  ): Cost {
    return { flops: 2 * rows * k, bytes: rows * (4 * heads * (m1 + m2) + 28 * k) };
  },

  /** One dispatch a buffer of `grad`. */
  record(gpu: Gpu, args: PkmGradientArgs): Dispatch[] {
    const { m1, m2, heads, code, proposers, grad, add } = args;
    if (heads > 1 && !proposers) {
      throw new RangeError(`Cannot tell which of ${heads} heads proposed an entry`);
    }
    return grad.shards.map((shard) => {
      const { lanes, grid } = pkmGradient.plan(shard.rows, gpu.facts);
      return pkmGradient.kernel.dispatch(gpu, {
        defines: { LANES: lanes, MERGED: heads > 1 ? 1 : 0, ADD: add ? 1 : 0 },
        dims: {
          rows: shard.rows,
          firstRow: shard.firstRow,
          stride: grad.stride,
          heads,
          m1,
          m2,
        },
        buffers: {
          spans: code.spans,
          entries: code.entries,
          dz: code.dz,
          proposers: proposers ?? code.dz,
          grad: shard.buffer,
        },
        groups: grid,
      });
    });
  },
};
