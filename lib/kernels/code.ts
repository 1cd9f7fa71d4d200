/**
 * A sparse code on the device, by rows and by latent. Everything after an encoder sees only this.
 * @module
 */
import { roundUp } from "../tensor/shards.ts";
import { createBuffer, type Gpu } from "../gpu/device.ts";

/**
 * A code by rows (CSR with room to grow): row r has the entries [spans[r].x, spans[r].y), ascending by latent,
 * each (latent, bits of its value > 0).
 */
export interface CodeByRow {
  /** Rows of the batch. */
  rows: number;
  /** Most entries of a row; a multiple of 4. */
  capacity: number;
  /** Entries that are usual, in all, where they are far fewer than there is room for. */
  usual?: number;
  /** vec2u [rows]: the entries of row r begin at r · capacity. */
  spans: GPUBuffer;
  /** vec2u [rows · capacity]. */
  entries: GPUBuffer;
  /** f32 [rows · capacity]: derivative of the loss by the value of each entry. */
  dz: GPUBuffer;
}

/** The same code by latent (CSC): latent l has the entries [offsets[l], offsets[l+1]), ascending by row. */
export interface CodeByLatent {
  /** Number of latents. */
  latents: number;
  /** Entries that are usual, in all, where they are far fewer than there is room for. */
  usual?: number;
  /** u32s of a latent's row of bits; a multiple of 4. */
  words: number;
  /** u32 [latents · words]: bit r of latent l says that row r activates it. */
  bits: GPUBuffer;
  /** u32 [latents, words / 4]: rows that activate the latent before those of each vec4 of its bits. */
  before: GPUBuffer;
  /** u32 [latents]. */
  counts: GPUBuffer;
  /** u32 [latents + 1]; the last is the number of entries. */
  offsets: GPUBuffer;
  /** u32 scratch of the scan. */
  chunkStarts: GPUBuffer;
  /** vec4u [rows · capacity]: (row, bits of value, bits of dz, index by rows). */
  placed: GPUBuffer;
}

/** Latents a thread of the scan sums. */
export const SCAN_CHUNK = 64;

/** Threads of a row at most in kernels with a thread an entry: rows with more entries are rare, and each goes on. */
const MOST_ROW_THREADS = 64;

/**
 * Threads of a row in a kernel with a thread for each `unit` entries; `strided` is 1 where each may have to go on to
 * further entries. So a row that has room for thousands and uses a few does not launch thousands of threads.
 */
export function planRowThreads(capacity: number, unit = 1): { threads: number; strided: 0 | 1 } {
  const wanted = Math.ceil(capacity / unit);
  const threads = Math.min(wanted, MOST_ROW_THREADS / unit);
  return { threads, strided: threads < wanted ? 1 : 0 };
}

/** Makes the buffers of a code by rows. */
export function createCodeByRow(gpu: Gpu, rows: number, capacity: number): CodeByRow {
  const padded = roundUp(capacity, 4);
  return {
    rows,
    capacity: padded,
    spans: createBuffer(gpu, rows * 8, "spans"),
    entries: createBuffer(gpu, rows * padded * 8, "entries"),
    dz: createBuffer(gpu, rows * padded * 4, "dz"),
  };
}

/** Makes the buffers of a code by latent for `rows` rows of `capacity` entries. */
export function createCodeByLatent(
  gpu: Gpu,
  rows: number,
  capacity: number,
  latents: number,
): CodeByLatent {
  const words = roundUp(Math.ceil(rows / 32), 4);
  return {
    latents,
    words,
    bits: createBuffer(gpu, latents * words * 4, "bits"),
    before: createBuffer(gpu, latents * words, "rows before"),
    counts: createBuffer(gpu, latents * 4, "counts"),
    offsets: createBuffer(gpu, (latents + 1) * 4, "offsets"),
    chunkStarts: createBuffer(gpu, Math.ceil(latents / SCAN_CHUNK) * 4, "chunk starts"),
    placed: createBuffer(gpu, rows * roundUp(capacity, 4) * 16, "placed"),
  };
}
