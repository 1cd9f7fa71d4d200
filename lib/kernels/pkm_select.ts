/**
 * The k best latents of each row on the grid of two lists of sub-key scores (product-key memory), exactly and with ties
 * to the lowest latent. Source: architectures spec, section 8.
 * @module
 */
import grid from "../../shaders/parts/pkm_grid.wgsl" with { type: "text" };
import write from "../../shaders/parts/pkm_write.wgsl" with { type: "text" };
import source from "../../shaders/pkm_select.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByRow } from "./code.ts";
import { roundUp } from "../tensor/shards.ts";
import { STEP } from "./common.ts";

/** The grid: latent `i1 · m2 + i2` stands where sub-key i1 of the first side crosses i2 of the second. */
export interface KeyGrid {
  /** Sub-keys of the first side. */
  m1: number;
  /** Sub-keys of the second side; at most 65535. */
  m2: number;
  /** Number of latents, more than (m1 - 1) · m2 and at most m1 · m2. */
  latents: number;
  /** Selections of a row, each with sub-keys of its own. */
  heads: number;
}

/** A variant for a device. */
export interface PkmSelectPlan {
  /** Where a list's words are: in workgroup memory, or in a buffer where they are too many. */
  variant: "shared" | "memory";
  /** Values for the template. */
  defines: Record<string, number>;
  /** Words of a list. */
  words: number;
  /** Workgroups. */
  groups: number;
  /** The same as a grid. */
  grid: readonly [number, number, number];
}

/** What to select. */
export interface PkmSelectArgs extends KeyGrid {
  /** f32 [rows, heads · (m1 + m2)]: u, then v, of every head. May be split by rows. */
  scores: Rows;
  /** f32 [latents], added to every sum. */
  bias?: GPUBuffer;
  /** The buffer `step`: word k, the entries of a row. Of n, head h proposes ⌊(n + heads - 1 - h) / heads⌋. */
  step: GPUBuffer;
  /** Entries to keep in units of k; 1 when absent. */
  times?: number;
  /** Where the selection goes: list `row · heads + head`. */
  lists: Omit<CodeByRow, "dz">;
}

/** Workgroups that share the words of the variant `memory`. */
const MOST_GROUPS = 1024;

/** The selection. */
export const pkmSelect = {
  kernel: defineKernel({
    name: "pkm_select",
    source,
    parts: { pkm_grid: grid, pkm_write: write },
    buffers: ["scores", "bias", "step", "spans", "entries", "scratch"],
    dims: ["rows", "firstList", "stride", "heads", "m1", "m2", "latents", "capacity", "groups"],
  }),

  /** Chooses a variant for `rows` rows; pure. */
  plan(
    { rows, m1, m2, heads }: KeyGrid & { rows: number },
    facts: DeviceFacts,
  ): PkmSelectPlan {
    const GROUP = facts.software && facts.subgroupSize > 0 ? facts.subgroupSize : 64;
    const SORT = 2 ** Math.ceil(Math.log2(Math.max(m2, 2)));
    const COUNTED = roundUp(m1, 64);
    const words = SORT + 2 * COUNTED;
    const fits = 4 * words + 8 * GROUP + 64 <= facts.workgroupBytes;
    const groups = fits ? rows * heads : Math.min(rows * heads, MOST_GROUPS);
    return {
      variant: fits ? "shared" : "memory",
      defines: {
        GROUP,
        SORT,
        COUNTED,
        MEMORY: fits ? 0 : 1,
        K_WORD: STEP.k,
      },
      words,
      groups,
      grid: gridFor(groups, 1, facts.maxGroups),
    };
  },

  /** A sort of v, about 16 rounds of counting, and a walk along v for each first number of an entry. */
  cost({ rows, m1, m2, heads, k }: Omit<KeyGrid, "latents"> & { rows: number; k: number }): Cost {
    const sort = m2 * Math.log2(Math.max(m2, 2)) ** 2 / 4;
    const lists = rows * heads;
    return {
      flops: lists * (sort + 16 * m1 + Math.min(k / 2, m1) * m2),
      bytes: lists * (4 * (m1 + m2) + 8 * k / heads),
    };
  },

  /** One dispatch a buffer of scores. */
  record(gpu: Gpu, args: PkmSelectArgs): Dispatch[] {
    const { scores, bias, step, times = 1, lists, heads, latents, m1, m2 } = args;
    if (m2 > 65535 || latents > m1 * m2 || latents <= (m1 - 1) * m2) {
      throw new RangeError(`Cannot select on a grid of ${m1} x ${m2} for ${latents} latents`);
    }
    return scores.shards.map((shard) => {
      const plan = pkmSelect.plan({ rows: shard.rows, m1, m2, latents, heads }, gpu.facts);
      const bytes = plan.variant === "memory" ? plan.groups * plan.words * 4 : 16;
      return pkmSelect.kernel.dispatch(gpu, {
        label: plan.variant,
        defines: { ...plan.defines, BIASED: bias ? 1 : 0, TIMES: times },
        dims: {
          rows: shard.rows,
          firstList: shard.firstRow * heads,
          stride: scores.stride,
          heads,
          m1,
          m2,
          latents,
          capacity: lists.capacity,
          groups: plan.groups,
        },
        buffers: {
          scores: shard.buffer,
          bias: bias ?? shard.buffer,
          step,
          spans: lists.spans,
          entries: lists.entries,
          scratch: createBuffer(gpu, bytes, "words of lists"),
        },
        groups: plan.grid,
      });
    });
  },
};
