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
  /** Latents that are appended between two cuts at most; a multiple of 4, `Infinity` where no row can be cut. */
  slice: number;
}

/** Lists that kernels append to. */
export interface RowLists extends CapacityPlan {
  /** The lists. */
  code: CodeByRow;
  /** f32 [rows]: what a value must exceed to enter, -1 while the row was not cut. */
  floors: GPUBuffer;
}

/** Bytes of an entry in all buffers of a code by rows, and in the largest of them. */
const BY_ROW = { all: 12, largest: 8 };

/** The same with the code by latent. */
const BY_BOTH = { all: 28, largest: 16 };

/** Bytes that the buffers of a code may take. */
export const CODE_BUDGET: number = 512 * 2 ** 20;

/** Active latents of a row that are usual where nobody bounds them. */
const USUAL = 64;

/** Latents of a slice at most. */
const MOST_SLICE = 1024;

/**
 * Room for `rows` lists of up to `latents` entries; pure.
 * @param budget bytes of all buffers
 * @param placed whether the code by latent needs as much room; it does not where something else bounds its entries
 * @throws SdmError when not even a few entries a row fit
 */
export function planCapacity(
  rows: number,
  latents: number,
  facts: Pick<DeviceFacts, "maxBindingBytes">,
  budget: number = CODE_BUDGET,
  placed = true,
): CapacityPlan {
  const bytes = placed ? BY_BOTH : BY_ROW;
  const entries = Math.min(budget / bytes.all, facts.maxBindingBytes / bytes.largest);
  const capacity = Math.floor(entries / rows / 4) * 4;
  const all = roundUp(latents, 4);
  if (capacity >= all) return { capacity: all, keep: all, slice: Infinity };
  if (capacity < 8) {
    throw new SdmError(
      `Cannot plan the codes of ${rows} rows: ${formatBytes(entries * bytes.all)} have room for ` +
        `${Math.floor(entries / rows)} entries a row, 8 are needed`,
      { hint: "lower train.batch_tokens" },
    );
  }
  // A quarter for the slice, an eighth so that not every slice ends with a cut.
  const unit = capacity >= 256 ? 64 : 4;
  const slice = Math.min(MOST_SLICE, Math.max(4, Math.floor(capacity / 4 / unit) * unit));
  return { capacity, keep: capacity - slice - Math.ceil(capacity / 8), slice };
}

/**
 * Room for the `keep` largest positive scores of a row, beside what is appended before a list is cut back to them; pure.
 * @throws SdmError when there is no room to append anything
 */
export function planCandidates(
  rows: number,
  latents: number,
  keep: number,
  facts: Pick<DeviceFacts, "maxBindingBytes">,
): CapacityPlan {
  const all = roundUp(latents, 4);
  const kept = Math.min(keep, all);
  // Twice as many again, so that few slices end with a cut.
  const wanted = Math.min(all, roundUp(3 * kept, 4) + MOST_SLICE);
  const room = Math.floor(facts.maxBindingBytes / BY_ROW.largest / rows / 4) * 4;
  if (room >= all && wanted === all) return { capacity: all, keep: kept, slice: MOST_SLICE };
  const capacity = Math.min(wanted, room);
  const slice = Math.min(MOST_SLICE, 4 * Math.floor((capacity - kept) / 5));
  if (slice < 4) {
    throw new SdmError(
      `Cannot plan the candidates of ${rows} rows: one buffer has room for ${room} of a row, ` +
        `${kept + 5} are needed`,
      { hint: "lower train.batch_tokens or dictionary.screen_factor" },
    );
  }
  return { capacity, keep: kept, slice };
}

/** Makes the lists. */
export function createRowLists(gpu: Gpu, rows: number, plan: CapacityPlan): RowLists {
  return {
    ...plan,
    code: {
      ...createCodeByRow(gpu, rows, plan.capacity),
      usual: rows * Math.min(USUAL, plan.capacity),
    },
    floors: createBuffer(gpu, rows * 4, "floors"),
  };
}

/** Whether a row may be cut: only then floors are looked at. */
export function canCut(lists: CapacityPlan): boolean {
  return lists.keep < lists.capacity;
}
