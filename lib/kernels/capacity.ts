/**
 * How long the lists of rows may become whose number of active latents nobody bounds.
 *
 * Where every latent of every row finds room, nothing is ever cut. Where that would be too much memory, a row keeps the
 * `keep` largest of its values: its list may grow by a slice of a panel beyond that, and then is cut back (`trim_rows`).
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { roundUp } from "../tensor/shards.ts";
import { type CodeByRow, createCodeByRow } from "./code.ts";

/** Room for the list of a row. */
export interface CapacityPlan {
  /** Entries that a list has room for; a multiple of 4. */
  capacity: number;
  /** Most entries that a row keeps; the capacity where no row can be cut. */
  keep: number;
  /** Latents that may be appended between two cuts; a multiple of 4, `Infinity` where no row can be cut. */
  slice: number;
}

/** Lists that kernels append to. */
export interface RowLists extends CapacityPlan {
  /** The lists. */
  code: CodeByRow;
  /** f32 [rows]: what a value must exceed to enter, -1 while the row was not cut. */
  floors: GPUBuffer;
}

/** Bytes of all buffers of a code: entries, dz, the code by latent. */
const ENTRY_BYTES = 28;

/** Bytes of an entry of the largest buffer among them. */
const PLACED_BYTES = 16;

/** Bytes that the buffers of a code may take. */
export const CODE_BUDGET: number = 512 * 2 ** 20;

/** Bytes of all buffers of a code with room for `entries` entries a row. */
export function rowBytes(rows: number, entries: number): number {
  return rows * entries * ENTRY_BYTES;
}

/** Latents of a slice at most. */
const MOST_SLICE = 1024;

/**
 * Room for `rows` lists of up to `latents` entries; pure.
 * @throws SdmError when not even a few entries a row fit
 */
export function planCapacity(
  rows: number,
  latents: number,
  facts: Pick<DeviceFacts, "maxBindingBytes">,
  budget: number = CODE_BUDGET,
): CapacityPlan {
  const bytes = Math.min(budget / ENTRY_BYTES, facts.maxBindingBytes / PLACED_BYTES);
  const capacity = Math.floor(bytes / rows / 4) * 4;
  const all = roundUp(latents, 4);
  if (capacity >= all) return { capacity: all, keep: all, slice: Infinity };
  if (capacity < 8) {
    throw new SdmError(
      `Cannot plan the codes of ${rows} rows: ${formatBytes(bytes * ENTRY_BYTES)} have room for ` +
        `${Math.floor(bytes / rows)} entries a row, 8 are needed`,
      { hint: "lower train.batch_tokens" },
    );
  }
  // A quarter for the slice, an eighth so that not every slice ends with a cut.
  const unit = capacity >= 256 ? 64 : 4;
  const slice = Math.min(MOST_SLICE, Math.max(4, Math.floor(capacity / 4 / unit) * unit));
  return { capacity, keep: capacity - slice - Math.ceil(capacity / 8), slice };
}

/** Makes the lists. */
export function createRowLists(gpu: Gpu, rows: number, plan: CapacityPlan): RowLists {
  return {
    ...plan,
    code: createCodeByRow(gpu, rows, plan.capacity),
    floors: createBuffer(gpu, rows * 4, "floors"),
  };
}

/** Whether a row may be cut: only then floors are looked at. */
export function canCut(lists: CapacityPlan): boolean {
  return lists.keep < lists.capacity;
}
