/**
 * Blocks from an activation store: short stretches of all shards, permuted anew in every epoch.
 *
 * A block is made of stretches from all over the store, so that a store in text order still gives mixed blocks. The
 * order is a keyed permutation of the stretches: block (epoch, index) is known without reading any other.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import { epochOrders, slicesOf, type UnitSlice } from "./epoch_order.ts";
import { badRow, describeBadValue } from "./finite.ts";
import { wholeBatches } from "./model_source.ts";
import { openStore, type Store, storePoints } from "./store_reader.ts";
import type { Block, BlockSource, PointFacts } from "./types.ts";

/** One read is about this long, for below it a disk is slow, … */
const READ_BYTES = 128 * 1024;
/** … unless a block were made of fewer stretches than this and so badly mixed. */
const STRETCHES_PER_BLOCK = 16;

/** Options of {@link storeSource}. */
export interface StoreSourceOptions {
  /** Points to read, default all of the store. */
  points?: readonly string[];
  /** Seed of the run. */
  seed: number;
  /** Rows of a block. */
  blockRows: number;
  /** Rows of a training batch; an epoch is a whole number of batches. */
  batchRows: number;
}

/** Stretches of the shards: equally long, but for the last of a shard. */
interface Stretches {
  /** Rows before each stretch, and last the number of rows. */
  start: Float64Array;
  /** Shard of each. */
  shard: Uint32Array;
  /** First row of each in its shard. */
  first: Float64Array;
}

/**
 * A source that reads a store.
 * @param store the folder, or a store that is open already.
 * @throws {SdmError} as {@link openStore} does, for unknown points, and when the rows do not fill a batch.
 */
export async function storeSource(
  store: string | Store,
  options: StoreSourceOptions,
): Promise<BlockSource> {
  const open = typeof store === "string" ? await openStore(store) : store;
  const { seed, blockRows, batchRows } = options;
  const { manifest } = open;
  const points = storePoints(open, options.points);
  const epochRows = wholeBatches(manifest.rows, batchRows, `the store "${open.path}"`);
  const stretches = stretchesOf(open, points, blockRows);
  const orderOf = epochOrders(stretches.start, seed, "stretches");
  return {
    points,
    blockRows,
    epochRows,
    describe: () => ({
      source: "store",
      path: open.path,
      points: points.map((point) => ({ ...point })),
      rows: manifest.rows,
      epoch_rows: epochRows,
      model: manifest.model,
      tokenizer: manifest.tokenizer,
      data: manifest.data,
      dropped: manifest.dropped,
      norm: manifest.norm,
    }),
    load: async (epoch: number, index: number): Promise<Block> => {
      const first = index * blockRows;
      const rows = Math.min(blockRows, epochRows - first);
      if (!(index >= 0 && rows > 0)) {
        throw new RangeError(`Cannot load block ${index}: an epoch has ${epochRows} rows`);
      }
      return await readBlock(open, points, stretches, slicesOf(orderOf(epoch), first, rows));
    },
    close: () => Promise.resolve(),
  };
}

function stretchesOf(
  { manifest }: Store,
  points: readonly PointFacts[],
  blockRows: number,
): Stretches {
  const bytes = (name: string, d: number) =>
    manifest.points.find((p) => p.name === name)?.dtype === "F32" ? 4 * d : 2 * d;
  const rowBytes = points.reduce((sum, { name, d }) => sum + bytes(name, d), 0) / points.length;
  let length = 64;
  const most = Math.min(4096, blockRows / STRETCHES_PER_BLOCK);
  while (2 * length <= most && length * rowBytes < READ_BYTES) length *= 2;
  const start = [0], shard: number[] = [], first: number[] = [];
  manifest.shards.forEach(({ rows }, s) => {
    for (let row = 0; row < rows; row += length) {
      shard.push(s);
      first.push(row);
      start.push(start[start.length - 1] + Math.min(length, rows - row));
    }
  });
  return {
    start: Float64Array.from(start),
    shard: Uint32Array.from(shard),
    first: Float64Array.from(first),
  };
}

async function readBlock(
  store: Store,
  points: readonly PointFacts[],
  stretches: Stretches,
  slices: readonly UnitSlice[],
): Promise<Block> {
  const rows = slices.reduce((sum, slice) => sum + slice.to - slice.from, 0);
  const matrices = points.map(({ d }) => new Float32Array(rows * d));
  // Files are open for one block only: a store may have more shards than a process may have open files.
  const files = new Map<number, SafetensorsFile>();
  try {
    let row = 0;
    for (const { unit, from, to } of slices) {
      const shard = stretches.shard[unit];
      const name = store.manifest.shards[shard].file;
      let file = files.get(shard);
      if (!file) files.set(shard, file = await SafetensorsFile.open(`${store.path}/${name}`));
      const firstRow = stretches.first[unit] + from;
      for (const [p, { name: point, d }] of points.entries()) {
        const out = matrices[p].subarray(row * d, (row + to - from) * d);
        await file.readFloat32(`act.${point}`, { firstRow, rows: to - from }, out);
        const bad = badRow(out, d);
        if (bad < 0) continue;
        throw new SdmError(
          `Cannot use activations of "${point}": shard "${store.path}/${name}", row ` +
            `${firstRow + bad} holds ${describeBadValue(out, d, bad)}, finite numbers are needed`,
          { hint: "harvest the store again" },
        );
      }
      row += to - from;
    }
  } finally {
    for (const file of files.values()) file.close();
  }
  return { rows, points: matrices };
}
