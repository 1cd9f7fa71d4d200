/**
 * Opening an activation store: every shard is checked against the manifest before a row is read.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { formatCount } from "../base/format.ts";
import { didYouMean } from "../base/nearest.ts";
import { type OnProgress, silent } from "../base/progress.ts";
import { exists, readJson } from "../files/documents.ts";
import { sha256File } from "../files/hash.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import { parseManifest, type StoreManifest, type StoreShard } from "./store_manifest.ts";
import type { PointFacts } from "./types.ts";

/** A store whose shards are all there. */
export interface Store {
  /** Folder. */
  readonly path: string;
  /** Its manifest. */
  readonly manifest: StoreManifest;
}

/**
 * Opens a store: reads the manifest and the header of every shard.
 * @throws {SdmError} when there is no store, when its harvest is not finished, and for a shard that is missing, cut
 * short, or of another shape than the manifest says.
 */
export async function openStore(folder: string): Promise<Store> {
  const path = folder.replace(/(?<=.)\/+$/, "");
  const file = `${path}/manifest.json`;
  if (!await exists(file)) throw await noStore(path);
  const manifest = parseManifest(await readJson(file, "store manifest"), file);
  for (const shard of manifest.shards) await checkShard(path, manifest, shard);
  return Object.freeze({ path, manifest });
}

async function noStore(path: string): Promise<SdmError> {
  const start = `Cannot open activation store "${path}"`;
  if (await exists(`${path}/manifest.partial.json`)) {
    return new SdmError(`${start}: its harvest is not finished, a finished one is needed`, {
      hint: "the same sdm harvest command continues it",
    });
  }
  const found = await exists(path) ? `it has no "manifest.json"` : "it does not exist";
  return new SdmError(`${start}: ${found}, a folder that sdm harvest has written is needed`);
}

function shardError(path: string, shard: StoreShard, found: string, needed: string): SdmError {
  return new SdmError(
    `Cannot read activation store "${path}": shard "${shard.file}" ${found}, ${needed}`,
    { hint: "harvest the store again" },
  );
}

async function checkShard(path: string, manifest: StoreManifest, shard: StoreShard): Promise<void> {
  const info = await Deno.stat(`${path}/${shard.file}`).catch(() => undefined);
  if (!info) throw shardError(path, shard, "is missing", `${shard.bytes} bytes are needed`);
  if (info.size !== shard.bytes) {
    throw shardError(path, shard, `has ${info.size} bytes`, `${shard.bytes} bytes are needed`);
  }
  using file = await SafetensorsFile.open(`${path}/${shard.file}`);
  for (const { name, d } of manifest.points) {
    const tensor = `act.${name}`;
    if (!file.has(tensor)) {
      throw shardError(path, shard, `has no tensor "${tensor}"`, "it is in the manifest");
    }
    const [rows, width, ...rest] = file.info(tensor).shape;
    if (rows !== shard.rows) {
      throw shardError(path, shard, `has ${rows} rows of "${name}"`, `${shard.rows} are needed`);
    }
    if (width !== d || rest.length > 0) {
      throw shardError(path, shard, `has "${name}" of width ${width}`, `width ${d} is needed`);
    }
  }
}

/**
 * The points of a store by name, all of them when no name is given.
 * @throws {SdmError} for a point that is not in the store, with the nearest names.
 */
export function storePoints(store: Store, names?: readonly string[]): PointFacts[] {
  const all = store.manifest.points;
  return (names ?? all.map((point) => point.name)).map((name) => {
    const point = all.find((p) => p.name === name);
    if (point) return { name, tensor: point.tap, d: point.d };
    const known = all.map((p) => p.name);
    throw new SdmError(
      `Cannot read "${name}" from activation store "${store.path}": it is not in the store, ` +
        "one of its points is needed",
      { hint: didYouMean(name, known) || `it has ${known.join(", ")}` },
    );
  });
}

/**
 * Reads every byte of a store and compares it with the hashes of the manifest.
 * @throws {SdmError} naming the first shard that was changed.
 */
export async function verifyStore(store: Store, onProgress: OnProgress = silent): Promise<void> {
  const total = store.manifest.shards.length;
  for (const [i, shard] of store.manifest.shards.entries()) {
    const found = await sha256File(`${store.path}/${shard.file}`);
    if (found !== shard.sha256) {
      throw shardError(
        store.path,
        shard,
        "was changed since it was written",
        "the same bytes are needed",
      );
    }
    onProgress({ stage: "verify", done: i + 1, total, unit: "shards" });
  }
}

/** One line about a store: "1.2 M rows of blocks.2.hook_resid_post (192, F16) in 3 shards". */
export function describeStore({ manifest }: Store): string {
  const points = manifest.points.map((p) => `${p.name} (${p.d}, ${p.dtype})`).join(", ");
  const { rows, shards } = manifest;
  return `${formatCount(rows)} rows of ${points} in ${shards.length} shard${
    shards.length > 1 ? "s" : ""
  }`;
}
