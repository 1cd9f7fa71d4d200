/**
 * Strips of attention for tests: shapes, patterns as the device stores them, and the rows of a sequence.
 * @module
 */
import { paddedSize, patternFloats, type Strip } from "../../lib/kernels/strip.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { vector } from "./samples.ts";

/** A batch and the strip of it that is worked on. */
export interface StripCase {
  /** What is special about it. */
  name: string;
  /** Sequences of the batch. */
  all: number;
  /** The strip. */
  strip: Strip;
}

/** Shapes that are multiples of nothing, and strips that are not the whole batch. */
export const STRIPS: readonly StripCase[] = [
  { name: "one row", all: 1, strip: whole(1, 1, 1) },
  { name: "short sequences", all: 5, strip: whole(3, 5, 7) },
  { name: "a sequence longer than a tile", all: 2, strip: whole(2, 2, 71) },
  { name: "the last of three sequences", all: 3, strip: { ...whole(2, 1, 21), firstSequence: 2 } },
  {
    name: "queries in the middle of a sequence",
    all: 2,
    strip: {
      heads: 2,
      sequences: 1,
      length: 150,
      firstSequence: 1,
      firstQuery: 64,
      queries: 64,
    },
  },
  {
    name: "the last queries of a sequence",
    all: 2,
    strip: {
      heads: 1,
      sequences: 1,
      length: 139,
      firstSequence: 1,
      firstQuery: 128,
      queries: 11,
    },
  },
];

function whole(heads: number, sequences: number, length: number): Strip {
  return { heads, sequences, length, firstSequence: 0, firstQuery: 0, queries: length };
}

/** Every head and sequence of a strip, in the order of the pattern. */
export function blocksOf({ heads, sequences }: Strip): { head: number; sequence: number }[] {
  return Array.from(
    { length: heads * sequences },
    (_, i) => ({ head: Math.floor(i / sequences), sequence: i % sequences }),
  );
}

/** Rows of the strip's queries in one of its sequences. */
export function queryRows(m: Matrix, strip: Strip, sequence: number): Matrix {
  const first = (strip.firstSequence + sequence) * strip.length + strip.firstQuery;
  return m.slice(first, first + strip.queries);
}

/** Rows of all keys that the strip's queries may see in one of its sequences. */
export function keyRows(m: Matrix, strip: Strip, sequence: number): Matrix {
  const first = (strip.firstSequence + sequence) * strip.length;
  return m.slice(first, first + strip.firstQuery + strip.queries);
}

/** Columns of a head. */
export function columns(m: Matrix, head: number, width: number): Matrix {
  return m.map((row) => row.slice(head * width, (head + 1) * width));
}

/** Patterns [queries, keys] as the device stores them, `fill` in the padding. */
export function packPatterns(patterns: readonly Matrix[], strip: Strip, fill = 0): Float64Array {
  const padded = paddedSize(strip);
  const out = new Float64Array(patternFloats(strip)).fill(fill);
  patterns.forEach((pattern, block) =>
    pattern.forEach((row, q) => out.set(row, (block * padded.queries + q) * padded.keys))
  );
  return out;
}

/** The reverse. */
export function unpackPatterns(floats: Float32Array, strip: Strip): Matrix[] {
  const padded = paddedSize(strip);
  const keys = strip.firstQuery + strip.queries;
  return blocksOf(strip).map((_, block) =>
    Array.from({ length: strip.queries }, (_, q) => {
      const first = (block * padded.queries + q) * padded.keys;
      return Float64Array.from(floats.subarray(first, first + keys));
    })
  );
}

/** Random patterns of a strip, zero above the diagonal. */
export function randomPatterns(strip: Strip, seed: number): Matrix[] {
  const keys = strip.firstQuery + strip.queries;
  return blocksOf(strip).map((_, block) =>
    Array.from(
      { length: strip.queries },
      (_, q) =>
        vector(keys, { seed: seed + 1000 * block + q }).map((v, k) =>
          k <= strip.firstQuery + q ? v : 0
        ),
    )
  );
}
