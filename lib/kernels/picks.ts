/**
 * The picks of a matching pursuit: one latent an iteration and row, in the order in which they were made.
 * @module
 */
import largest from "../../shaders/parts/largest.wgsl" with { type: "text" };
import sumEight from "../../shaders/parts/sum_eight.wgsl" with { type: "text" };
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { roundUp } from "../tensor/shards.ts";
import { PARTS, THREADS } from "./common.ts";

/** Texts for `//#use` in the kernels of a pursuit. */
export const PURSUIT_PARTS: Readonly<Record<string, string>> = {
  ...PARTS,
  largest,
  sum_eight: sumEight,
};

/** Threads that share the columns of a row, whatever the device: their sums then have one order. */
export const ROW_LANES = 8;

/** Picks of the rows of a batch, and what an iteration hands to the next. */
export interface Picks {
  /** Rows of the batch. */
  rows: number;
  /** Most picks of a row. */
  iterations: number;
  /** Places of a row: `iterations` rounded up to 4, the capacity of the code that is made of them. */
  capacity: number;
  /** u32 [rows, capacity]: latents. */
  latents: GPUBuffer;
  /** f32 [rows, capacity]: what was taken of them; 0 where a row had stopped. */
  values: GPUBuffer;
  /** u32 [rows]: 1 where a row has stopped. */
  done: GPUBuffer;
  /** vec2u [rows]: the largest score as bits, and its latent. */
  best: GPUBuffer;
  /** vec4u [rows, capacity]: latent and value of a pick, and homes, see `pursuit_finish`. */
  order: GPUBuffer;
}

/** Makes room for picks. */
export function createPicks(gpu: Gpu, rows: number, iterations: number): Picks {
  const capacity = roundUp(iterations, 4);
  const words = (label: string, count: number) => createBuffer(gpu, count * 4, label);
  return {
    rows,
    iterations,
    capacity,
    latents: words("picked latents", rows * capacity),
    values: words("picked values", rows * capacity),
    done: words("stopped rows", rows),
    best: words("best scores", rows * 2),
    order: words("order of picks", rows * capacity * 4),
  };
}

/** How the threads of a row find their largest score. */
export interface RowLanes {
  /** 1 for a subgroup a row. */
  SUBGROUPS: 0 | 1;
  /** Threads of a row. */
  LANES: number;
}

/** A subgroup a row where there are subgroups, else `otherwise` threads; pure. */
export function planLanes(facts: DeviceFacts, otherwise: number): RowLanes {
  const lanes = facts.subgroupSize;
  return lanes > 0 && THREADS % lanes === 0
    ? { SUBGROUPS: 1, LANES: lanes }
    : { SUBGROUPS: 0, LANES: otherwise };
}

/** Whether eight threads of a row can add up in a subgroup; pure. */
export function sumsInSubgroups(facts: DeviceFacts): 0 | 1 {
  const lanes = facts.subgroupSize;
  return lanes >= ROW_LANES && lanes % ROW_LANES === 0 ? 1 : 0;
}
