/**
 * The buffers of a code by latent, each either filled from the references or left for the kernel to write.
 * @module
 */
import { type CodeByLatent, SCAN_CHUNK } from "../../lib/kernels/code.ts";
import { countEntries } from "../../lib/reference/count_entries.ts";
import { markEntries } from "../../lib/reference/mark_entries.ts";
import { placeEntries } from "../../lib/reference/place_entries.ts";
import { scanCounts } from "../../lib/reference/scan_counts.ts";
import type { Code, EntryNumbers } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { type Bench, bitsOf } from "./bench.ts";

/** Words of a latent's bits. */
export function wordsFor(rows: number): number {
  return roundUp(Math.ceil(rows / 32), 4);
}

/** The pattern of a code as the device stores it. */
export function packBits(code: Code, latents: number): Uint32Array {
  const words = wordsFor(code.length);
  const bits = new Uint32Array(latents * words);
  markEntries(code, latents).forEach((rows, latent) =>
    rows.forEach((active, r) => {
      if (active) bits[latent * words + Math.floor(r / 32)] |= 1 << (r % 32);
    })
  );
  return bits;
}

/** Rows that activate each latent before those of each 128. */
export function packBefore(code: Code, latents: number): Uint32Array {
  const vecs = wordsFor(code.length) / 4;
  const before = new Uint32Array(latents * vecs);
  for (let i = 0; i < vecs; i++) {
    const counts = countEntries(code.slice(0, 128 * i), latents);
    counts.forEach((n, latent) => before[latent * vecs + i] = n);
  }
  return before;
}

/** The entries by latent as the device stores them: row, value, dz, place in the buffer by rows. */
export function packPlaced(
  code: Code,
  latents: number,
  capacity: number,
  dz: EntryNumbers,
): Uint32Array {
  const room = roundUp(capacity, 4);
  return Uint32Array.from(
    placeEntries(code, latents).flat().flatMap(({ row, value, place }) => [
      row,
      bitsOf([value])[0],
      bitsOf([dz[row][place]])[0],
      row * room + place,
    ]),
  );
}

/** A code by latent; what is in `known` is an input, the rest is an output. */
export function byLatent(
  bench: Bench,
  code: Code,
  latents: number,
  capacity: number,
  known: readonly ("bits" | "before" | "counts" | "offsets" | "placed")[],
  dz?: EntryNumbers,
): CodeByLatent {
  const words = wordsFor(code.length);
  const counts = countEntries(code, latents);
  const held = (name: typeof known[number], size: number, values: () => ArrayLike<number>) =>
    known.includes(name) ? bench.words(name, values()) : bench.output(name, size);
  return {
    latents,
    words,
    bits: held("bits", latents * words, () => packBits(code, latents)),
    before: held("before", latents * words / 4, () => packBefore(code, latents)),
    counts: held("counts", latents, () => counts),
    offsets: held("offsets", latents + 1, () => scanCounts(counts)),
    chunkStarts: bench.scratch("chunk starts", Math.ceil(latents / SCAN_CHUNK)),
    placed: held(
      "placed",
      code.length * roundUp(capacity, 4) * 4,
      () => packPlaced(code, latents, capacity, dz ?? code.map((row) => row.map(() => 0))),
    ),
  };
}
