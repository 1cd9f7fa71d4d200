/**
 * What a harvest has done so far, in `manifest.partial.json`, and whether another one may continue it.
 * @module
 */
import { createHash } from "node:crypto";
import { SdmError } from "../base/errors.ts";
import { writeJson } from "../files/atomic.ts";
import { exists, readJson } from "../files/documents.ts";
import { ensureFreshFolder } from "../files/fresh_folder.ts";
import { dropFacts } from "../text/masks.ts";
import type { TokenSet } from "../text/packing.ts";
import type { RowMaker } from "./context_rows.ts";
import type { StoreDtype, StoreShard } from "./store_manifest.ts";
import { emptySums, type PointSums } from "./store_stats.ts";

/** Contexts that are read together. */
const CONTEXTS_AT_ONCE = 256;

/** Options of a harvest. */
export interface HarvestOptions extends RowMaker {
  /** Folder of the store. */
  path: string;
  /** Element type; `auto` (default) takes F16 where the first shard's values are small enough, else BF16. */
  dtype?: StoreDtype | "auto";
  /** Rows of a shard, a multiple of 4096; default what makes about 128 MiB. */
  shardRows?: number;
  /** Program and version. */
  tool: string;
  /** Facts about the model, for the manifest. */
  model: Record<string, unknown>;
  /** Facts about the tokenizer. */
  tokenizer: Record<string, unknown>;
  /** Facts about the text. */
  data: Record<string, unknown>;
  /** Remove an older store in the folder. */
  overwrite?: boolean;
}

/** manifest.partial.json: what is done, and what was asked for. */
export interface HarvestState {
  /** Everything that shapes the bytes of the shards. */
  asked: Record<string, unknown>;
  /** Element type of each point, once the first shard has decided it. */
  dtypes: StoreDtype[];
  /** Sums over the rows so far, by point. */
  sums: PointSums[];
  /** Shards that are whole. */
  shards: StoreShard[];
}

/** Rows that are in whole shards. */
export function rowsOf(state: HarvestState): number {
  const last = state.shards.at(-1);
  return last ? last.first_row + last.rows : 0;
}

/** File of the state, in the folder of the store. */
export function stateFile(path: string): string {
  return `${path}/manifest.partial.json`;
}

/** Writes the state; a harvest that stops after this can be continued here. */
export async function saveState(path: string, state: HarvestState): Promise<void> {
  await writeJson(stateFile(path), state);
}

/** SHA-256 of all ids as 32-bit integers. */
function idsSha256(tokens: TokenSet): string {
  const hash = createHash("sha256");
  for (let first = 0; first < tokens.contexts; first += CONTEXTS_AT_ONCE) {
    const ids = tokens.idsOf(first, Math.min(CONTEXTS_AT_ONCE, tokens.contexts - first));
    hash.update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
  }
  return hash.digest("hex");
}

/** Everything that shapes the bytes of the shards. */
export function askedFor(options: HarvestOptions, shardRows: number): Record<string, unknown> {
  const { tokens, kept, points, dtype = "auto" } = options;
  const wanted = {
    rows: kept.rows,
    shard_rows: shardRows,
    dtype,
    points,
    model: options.model,
    tokenizer: { ...options.tokenizer, prepend_bos: tokens.prependBos },
    data: {
      ...options.data,
      ctx_len: tokens.contextSize,
      packing: tokens.eosId === undefined ? "joined" : "eos-joined",
      tokens_sha256: idsSha256(tokens),
    },
    dropped: {
      positions: kept.droppedPositions,
      tokens: kept.droppedTokens,
      counts: {
        positions: kept.counts.positions,
        kept: kept.counts.kept,
        ...dropFacts(kept.counts),
        tail_tokens: tokens.tailTokens,
      },
    },
  };
  // Compared with what JSON gives back, so it goes through JSON too.
  return JSON.parse(JSON.stringify(wanted));
}

const STORE_FOLDER = {
  holds: "an activation store",
  hint: "--overwrite to start anew, or choose another folder",
};

/**
 * Refuses a folder with a whole store in it, for those who want to know before text is read.
 * @throws {SdmError} when it holds one.
 */
export async function refuseWholeStore(path: string): Promise<void> {
  if (await exists(`${path}/manifest.json`)) await ensureFreshFolder(path, STORE_FOLDER);
}

/**
 * The state of the harvest in a folder when it was asked for the same, else an empty one in a fresh folder.
 * @throws {SdmError} when the folder holds a store, or a harvest that was asked for something else.
 */
export async function startOrContinue(
  options: HarvestOptions,
  asked: Record<string, unknown>,
): Promise<HarvestState> {
  const { path, overwrite, points } = options;
  const partial = stateFile(path);
  const finished = await exists(`${path}/manifest.json`);
  if (!overwrite && !finished && await exists(partial)) {
    const state = await readJson(partial, "harvest") as HarvestState;
    const key = Object.keys(asked).find((k) => !sameJson(asked[k], state.asked?.[k]));
    if (key) {
      throw new SdmError(
        `Cannot continue the harvest in "${path}": it was started with another "${key}", ` +
          "the same is needed",
        { hint: "--overwrite to start anew, or choose another folder" },
      );
    }
    for (const { file, bytes } of state.shards) await checkSize(`${path}/${file}`, bytes);
    return state;
  }
  await ensureFreshFolder(path, { ...STORE_FOLDER, overwrite });
  return { asked, dtypes: [], sums: points.map((point) => emptySums(point.d)), shards: [] };
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

async function checkSize(path: string, bytes: number): Promise<void> {
  const size = await Deno.stat(path).then((info) => info.size, () => undefined);
  if (size === bytes) return;
  throw new SdmError(
    `Cannot continue the harvest: shard "${path}" ${
      size === undefined ? "is missing" : `has ${size} bytes`
    }, ${bytes} bytes are needed`,
    { hint: "--overwrite to start anew" },
  );
}
