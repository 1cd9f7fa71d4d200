/**
 * What the kernels of a selection over a batch pass to each other, and what stays from step to step.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";

/** Digits of a positive float32's bits from the highest: 31 bits in four passes. */
export const DIGITS: readonly { shift: number; bits: number }[] = [
  { shift: 23, bits: 8 },
  { shift: 15, bits: 8 },
  { shift: 7, bits: 8 },
  { shift: 0, bits: 7 },
];

/** Words of `found`, u32. */
export const FOUND = {
  /** 1 while another try with a lower guess is needed. */
  short: 0,
  /** 1 where fewer entries than wanted are positive: all are kept. */
  all: 1,
  /** K. */
  wanted: 2,
  /** Entries that were appended. */
  total: 3,
  /** Entries with the found prefix that are still needed; in the end, how many equal to the value. */
  remaining: 4,
  /** Bits of the K-th largest value, as far as found. */
  prefix: 5,
  /** Entries that are equal to it. */
  ties: 6,
  /** Number of words. */
  words: 8,
} as const;

/** Words of `state`, f32. */
export const BATCH_STATE = {
  /** What scores of the next batch have to exceed to be candidates; 0 for all positive ones. */
  guess: 0,
  /** Average of the K-th values, or the gate; 0 before there is one. */
  average: 1,
  /** The same for people: the last K-th value before there is an average. */
  report: 2,
  /** Number of words. */
  words: 4,
} as const;

/** Buffers of a selection over a batch. */
export interface RadixState {
  /** u32 [256]: counts of a pass; zero between passes. */
  bins: GPUBuffer;
  /** u32, see {@link FOUND}. */
  found: GPUBuffer;
  /** f32, see {@link BATCH_STATE}. */
  state: GPUBuffer;
}

/** Makes the buffers; the first batch has no guess. */
export function createRadixState(gpu: Gpu): RadixState {
  return {
    bins: createBuffer(gpu, 256 * 4, "bins"),
    found: createBuffer(gpu, FOUND.words * 4, "found"),
    state: createBuffer(gpu, BATCH_STATE.words * 4, "batch threshold"),
  };
}
