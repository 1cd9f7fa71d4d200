/**
 * Harvest: the rows of a text, written to an activation store that a stopped harvest continues.
 *
 * A shard is a function of its number alone (its contexts are always run from its own first row on), so that a
 * continued harvest writes the same bytes as one that was never stopped.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { type OnProgress, silent } from "../base/progress.ts";
import { removeFile, writeJson } from "../files/atomic.ts";
import { exists } from "../files/documents.ts";
import { removeIfEmpty } from "../files/fresh_folder.ts";
import { type TensorInput, writeSafetensors } from "../files/safetensors_write.ts";
import { blockRoom, contextRows, type PlacedBlock } from "./context_rows.ts";
import { sequentialOrder, slicesOf } from "./epoch_order.ts";
import { LARGEST, type StoreDtype, type StoreManifest } from "./store_manifest.ts";
import {
  askedFor,
  type HarvestOptions,
  type HarvestState,
  rowsOf,
  saveState,
  startOrContinue,
  stateFile,
} from "./harvest_state.ts";
import { addRows, normOf, statsTensors } from "./store_stats.ts";

/** Rows of a shard are a multiple of this, so that every tensor in it is aligned. */
const ROW_UNIT = 4096;
const MAX_SHARD_ROWS = 131072;
/** Two shards are in memory, the one that is made and the one that is written, as float32. */
const SHARD_BYTES = 128 * 2 ** 20;
/** `auto` takes F16 when the first shard stays this far below the type's end. */
const AUTO_F16_LIMIT = 6e4 / 4;

export type { HarvestOptions } from "./harvest_state.ts";

/** How a harvest ended. */
export interface HarvestResult {
  /** False when it was stopped; the same call continues it. */
  finished: boolean;
  /** Rows in the store. */
  rows: number;
  /** Shards in the store. */
  shards: number;
  /** Rows that an earlier harvest had written. */
  resumedRows: number;
}

/**
 * Writes all rows of a text in text order. A harvest that was stopped in this folder is continued when it was asked
 * for the same.
 * @param signal stops it; the shard in work is lost, all others stay.
 * @throws {SdmError} when the folder holds a store or another harvest, for a value that is not finite or that the
 * element type cannot hold, for a full disk.
 */
export async function harvestToStore(
  options: HarvestOptions,
  onProgress: OnProgress = silent,
  signal?: AbortSignal,
): Promise<HarvestResult> {
  const { path, kept } = options;
  const shardRows = options.shardRows ?? defaultShardRows(options);
  if (!(shardRows > 0 && shardRows % ROW_UNIT === 0)) {
    throw new SdmError(
      `Cannot harvest: a shard of ${shardRows} rows is asked for, a multiple of ${ROW_UNIT} is needed`,
    );
  }
  const asked = askedFor(options, shardRows);
  const isNew = !await exists(path);
  const state = await startOrContinue(options, asked);
  const resumedRows = rowsOf(state);
  const order = sequentialOrder(kept.rowStart);
  const result = (finished: boolean) => ({
    finished,
    rows: rowsOf(state),
    shards: state.shards.length,
    resumedRows,
  });
  onProgress({ stage: "harvest", done: resumedRows, total: kept.rows, unit: "rows" });
  const rooms: PlacedBlock[] = [];
  let made = 0;
  /** Has the model make the rows of the shard that begins with row `first`. */
  const rowsFrom = (first: number) => {
    if (first >= kept.rows) return undefined;
    const count = Math.min(shardRows, kept.rows - first);
    const slices = slicesOf(order, first, count);
    const tell = (rows: number) =>
      onProgress({ stage: "harvest", done: first + rows, total: kept.rows, unit: "rows" });
    // Two rooms take turns: what is made, and what is written.
    const room = rooms[made++ % 2] ??= blockRoom(options, count);
    const rows = contextRows(options, slices, { signal, onRows: tell, room });
    rows.catch(() => {}); // it is heard of when its turn comes
    return rows;
  };
  for (let next = rowsFrom(resumedRows); next !== undefined;) {
    try {
      const block = await next;
      // The model goes on while this shard is written.
      next = rowsFrom(rowsOf(state) + block.rows);
      await writeShard(options, state, block);
    } catch (error) {
      await next?.catch(() => {});
      if (isNew) await removeIfEmpty(path);
      if (signal?.aborted && error === signal.reason) return result(false);
      throw error;
    }
    await saveState(path, state);
  }
  await finish(options, state);
  return result(true);
}

function defaultShardRows({ points, kept }: HarvestOptions): number {
  // F32 would be twice this; the aim is a size, not a limit.
  const rowBytes = 12 + points.reduce((sum, point) => sum + 2 * point.d, 0);
  const units = Math.floor(Math.min(MAX_SHARD_ROWS, SHARD_BYTES / rowBytes) / ROW_UNIT);
  const needed = Math.ceil(kept.rows / ROW_UNIT);
  return ROW_UNIT * Math.max(1, Math.min(units, needed));
}

async function writeShard(
  options: HarvestOptions,
  state: HarvestState,
  block: PlacedBlock,
): Promise<void> {
  const { points, tokens, path, dtype = "auto" } = options;
  const { rows } = block;
  const sums = points.map((point, p) => addRows(state.sums[p], block.points[p], point.d));
  if (state.dtypes.length === 0) {
    state.dtypes = sums.map(({ maxAbs }) =>
      dtype !== "auto" ? dtype : maxAbs < AUTO_F16_LIMIT ? "F16" : "BF16"
    );
  }
  points.forEach(({ name }, p) => checkRange(name, sums[p].maxAbs, state.dtypes[p]));
  const doc = new Uint32Array(rows);
  let own: Uint32Array = doc;
  for (let row = 0, known = -1; row < rows; row++) {
    const context = block.context[row];
    if (context !== known) own = tokens.docsOf(known = context);
    doc[row] = own[block.position[row]];
  }
  const tensors: TensorInput[] = points.map(({ name, d }, p) => ({
    name: `act.${name}`,
    shape: [rows, d],
    data: block.points[p] as Float32Array<ArrayBuffer>,
    dtype: state.dtypes[p],
  }));
  tensors.push({ name: "token", shape: [rows], data: block.token as Int32Array<ArrayBuffer> });
  tensors.push({ name: "doc", shape: [rows], data: doc });
  tensors.push({ name: "pos", shape: [rows], data: block.position as Uint32Array<ArrayBuffer> });
  const file = `shard-${String(state.shards.length).padStart(5, "0")}.safetensors`;
  const written = await writeSafetensors(`${path}/${file}`, tensors, { alignment: 256 });
  state.shards.push({ file, rows, first_row: rowsOf(state), ...written });
  state.sums = sums;
}

function checkRange(name: string, maxAbs: number, dtype: StoreDtype): void {
  if (maxAbs <= LARGEST[dtype]) return;
  throw new SdmError(
    `Cannot store activations of "${name}" as ${dtype}: one is ${maxAbs}, ` +
      `at most ${LARGEST[dtype]} fits`,
    { hint: "store them as BF16 with --overwrite; first positions, if kept, are the usual cause" },
  );
}

/** The manifest comes last: where it is, the store is complete. */
async function finish(options: HarvestOptions, state: HarvestState): Promise<void> {
  const { path, points, kept } = options;
  await writeSafetensors(`${path}/stats.safetensors`, statsTensors(points, state.sums, kept.rows));
  const asked = state.asked as Pick<StoreManifest, "model" | "tokenizer" | "data" | "dropped">;
  const manifest: StoreManifest = {
    format: "sdm-activations",
    version: 1,
    created: new Date().toISOString(),
    tool: options.tool,
    model: asked.model,
    tokenizer: asked.tokenizer,
    data: asked.data,
    points: points.map(({ name, tensor, d, role = "input" }, p) => ({
      name,
      tap: tensor,
      role,
      d,
      dtype: state.dtypes[p],
    })),
    dropped: asked.dropped,
    rows: kept.rows,
    order: "sequential",
    norm: Object.fromEntries(points.map((p, i) => [p.name, normOf(state.sums[i], kept.rows)])),
    shards: state.shards,
  };
  await writeJson(`${path}/manifest.json`, manifest);
  await removeFile(stateFile(path));
}
