/**
 * Reading rows of a store by their numbers, whichever shards they lie in.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import { badRow, describeBadValue } from "./finite.ts";
import { unitOf } from "./rows.ts";
import type { Store } from "./store_reader.ts";
import type { Block, PointFacts } from "./types.ts";

/** A stretch of rows of a store. */
export interface RowSpan {
  /** Number of the first row. */
  first: number;
  /** How many. */
  rows: number;
}

/** Rows that are whole contexts, and which of them count. */
export interface CountedRows {
  /** Tokens of a context. */
  readonly contextSize: number;
  /** Whether a token at a position of its context counts. */
  keeps(position: number, id: number): boolean;
}

/** A part of a span that lies in one shard. */
interface Piece {
  /** Index of the shard. */
  shard: number;
  /** First row in the shard. */
  firstRow: number;
  rows: number;
  /** First row of the result. */
  at: number;
}

function piecesOf({ manifest: { shards } }: Store, spans: readonly RowSpan[]): Piece[] {
  const starts = [...shards.map((shard) => shard.first_row), Infinity];
  const pieces: Piece[] = [];
  let at = 0;
  for (const { first, rows } of spans) {
    for (let row = first; row < first + rows;) {
      const shard = unitOf(starts, row);
      const end = Math.min(first + rows, shards[shard].first_row + shards[shard].rows);
      pieces.push({ shard, firstRow: row - shards[shard].first_row, rows: end - row, at });
      at += end - row;
      row = end;
    }
  }
  return pieces;
}

/**
 * The rows of spans, one span after the other.
 * @param counted fills the block's mask, and demands whole contexts
 * @throws {SdmError} for a value that is not finite, and for a row at another position than whole contexts have.
 */
export async function readSpans(
  store: Store,
  points: readonly PointFacts[],
  spans: readonly RowSpan[],
  counted?: CountedRows,
): Promise<Block> {
  const rows = spans.reduce((sum, span) => sum + span.rows, 0);
  const block: Block = { rows, points: points.map(({ d }) => new Float32Array(rows * d)) };
  if (counted) block.mask = new Float32Array(rows);
  // Files are open for one block only: a store may have more shards than a process may have open files.
  const files = new Map<number, SafetensorsFile>();
  try {
    for (const piece of piecesOf(store, spans)) {
      const path = `${store.path}/${store.manifest.shards[piece.shard].file}`;
      let file = files.get(piece.shard);
      if (!file) files.set(piece.shard, file = await SafetensorsFile.open(path));
      for (const [p, point] of points.entries()) {
        await readPoint(file, point, piece, block.points[p] as Float32Array<ArrayBuffer>);
      }
      if (counted) await readMask(file, counted, piece, block.mask!);
    }
  } finally {
    for (const file of files.values()) file.close();
  }
  return block;
}

async function readPoint(
  file: SafetensorsFile,
  { name, d }: PointFacts,
  { firstRow, rows, at }: Piece,
  matrix: Float32Array<ArrayBuffer>,
): Promise<void> {
  const out = matrix.subarray(at * d, (at + rows) * d);
  await file.readFloat32(`act.${name}`, { firstRow, rows }, out);
  const bad = badRow(out, d);
  if (bad < 0) return;
  throw new SdmError(
    `Cannot use activations of "${name}": shard "${file.path}", row ${firstRow + bad} holds ` +
      `${describeBadValue(out, d, bad)}, finite numbers are needed`,
    { hint: "harvest the store again" },
  );
}

async function readMask(
  file: SafetensorsFile,
  { contextSize, keeps }: CountedRows,
  { firstRow, rows, at }: Piece,
  mask: Float32Array,
): Promise<void> {
  const [position, token] = await Promise.all([
    file.read("pos", { firstRow, rows }),
    file.read("token", { firstRow, rows }),
  ]);
  for (let i = 0; i < rows; i++) {
    const needed = (at + i) % contextSize;
    if (Number(position[i]) !== needed) {
      throw new SdmError(
        `Cannot keep contexts whole: shard "${file.path}", row ${firstRow + i} is position ` +
          `${position[i]} of its context, position ${needed} is needed`,
        { hint: "harvest the store again with all positions" },
      );
    }
    if (keeps(needed, Number(token[i]))) mask[at + i] = 1;
  }
}
