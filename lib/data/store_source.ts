/**
 * Blocks from an activation store: short stretches of all shards, permuted anew in every epoch.
 *
 * A block is made of stretches from all over the store, so that a store in text order still gives mixed blocks. The
 * order is a keyed permutation of the stretches: block (epoch, index) is known without reading any other. Where contexts
 * have to stay whole, a stretch is a number of contexts.
 * @module
 */
import { epochOrders, slicesOf } from "./epoch_order.ts";
import { wholeBatches } from "./model_source.ts";
import { checkUnits } from "./rows.ts";
import { openStore, type Store, storePoints } from "./store_reader.ts";
import { readSpans } from "./store_rows.ts";
import { type CountOptions, wholeContexts } from "./whole_contexts.ts";
import type { Block, HostSource, PointFacts } from "./types.ts";

/** One read is about this long, for below it a disk is slow, … */
const READ_BYTES = 128 * 1024;
/** … unless a block were made of fewer stretches than this and so badly mixed. */
const STRETCHES_PER_BLOCK = 16;

/** Options of {@link storeSource}. */
export interface StoreSourceOptions {
  /** Points to read, default all of the store. */
  points?: readonly string[];
  /** Points that are to be reconstructed; they follow the others. */
  targets?: readonly string[];
  /** Seed of the run. */
  seed: number;
  /** Rows of a block. */
  blockRows: number;
  /** Rows of a training batch; an epoch is a whole number of batches. */
  batchRows: number;
  /** Keeps contexts whole and in order; which of their rows count. */
  sequences?: CountOptions;
}

/**
 * A source that reads a store.
 * @param store the folder, or a store that is open already.
 * @throws {SdmError} as {@link openStore} does, for unknown points, when the rows do not fill a batch, and when contexts are
 * not whole.
 */
export async function storeSource(
  store: string | Store,
  options: StoreSourceOptions,
): Promise<HostSource> {
  const open = typeof store === "string" ? await openStore(store) : store;
  const { seed, blockRows, batchRows } = options;
  const { manifest } = open;
  const targets = options.targets ? storePoints(open, options.targets) : [];
  const points = [
    ...storePoints(open, options.points),
    ...targets.map((point): PointFacts => ({ ...point, role: "target" })),
  ];
  const epochRows = wholeBatches(manifest.rows, batchRows, `the store "${open.path}"`);
  const counted = options.sequences && wholeContexts(open, options.sequences);
  if (counted) checkUnits(batchRows, blockRows, counted.contextSize);
  const starts = stretchesOf(open, points, blockRows, counted?.contextSize);
  const orderOf = epochOrders(starts, seed, "stretches");
  return {
    points,
    blockRows,
    epochRows,
    unitRows: counted?.contextSize ?? 1,
    describe: () => ({
      source: "store",
      path: open.path,
      points: points.map((point) => ({ ...point })),
      rows: manifest.rows,
      epoch_rows: epochRows,
      whole_contexts: options.sequences && true,
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
      const spans = slicesOf(orderOf(epoch), first, rows).map(({ unit, from, to }) => ({
        first: starts[unit] + from,
        rows: to - from,
      }));
      return await readSpans(open, points, spans, counted);
    },
    close: () => Promise.resolve(),
  };
}

/** Rows before each stretch, and last the number of rows. */
function stretchesOf(
  { manifest }: Store,
  points: readonly PointFacts[],
  blockRows: number,
  contextSize?: number,
): Float64Array {
  const bytes = (name: string, d: number) =>
    manifest.points.find((p) => p.name === name)?.dtype === "F32" ? 4 * d : 2 * d;
  const rowBytes = points.reduce((sum, { name, d }) => sum + bytes(name, d), 0) / points.length;
  let length = contextSize ?? 64;
  const most = Math.min(4096, blockRows / STRETCHES_PER_BLOCK);
  while (2 * length <= most && length * rowBytes < READ_BYTES) length *= 2;
  const start = [0];
  // A stretch ends with its shard, but a context may go on in the next one.
  const parts = contextSize ? [{ rows: manifest.rows }] : manifest.shards;
  for (const { rows } of parts) {
    for (let row = 0; row < rows; row += length) {
      start.push(start[start.length - 1] + Math.min(length, rows - row));
    }
  }
  return Float64Array.from(start);
}
