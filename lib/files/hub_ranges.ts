/**
 * Pieces of a large file on the hub, fetched by their range and kept in the cache: a run that reads a tenth of a shard
 * fetches a tenth of it, and reads the same again without network.
 *
 * A piece has no hash of the hub's to be checked against; its length is, the size of the whole file is, and on disk it is
 * checked against the hash it had when it came.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { writeFileAtomic } from "./atomic.ts";
import { sha256 } from "./hash.ts";
import { needRoom, repoPath } from "./hub_cache.ts";
import { fileUrl, fileWords, offlineError } from "./hub_download.ts";
import { hubRequest, readPiece, TransientError, withRetries } from "./hub_http.ts";
import type { HubContext } from "./hub_settings.ts";
import type { HubFile, HubRepo } from "./hub_types.ts";

/** A file of which pieces can be read. */
export interface RangeReader {
  /** Bytes of the file. */
  readonly byteLength: number;
  /** Bytes [start, end) of it. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** A reader of ranges that counts what it fetched. */
export interface HubRanges extends RangeReader {
  /** Bytes that came over the network. */
  fetchedBytes(): number;
}

/** Opens a file of the hub for reading in pieces. */
export function hubRanges(
  context: HubContext,
  repo: HubRepo,
  file: HubFile,
  onFetched: (bytes: number) => void = () => {},
): HubRanges {
  const { settings } = context;
  const folder = `${repoPath(settings.cache, repo.kind, repo.id)}/sdm/ranges/${file.etag}`;
  const pending = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  let fetched = 0;
  const load = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    const kept = await keptPiece(folder, start, end);
    if (kept) return kept;
    if (settings.offline) throw offlineError(context, repo, file);
    const bytes = await fetchPiece(context, repo, file, start, end);
    fetched += bytes.length;
    onFetched(bytes.length);
    await needRoomFor(folder, bytes.length, fileWords(repo, file));
    await writeFileAtomic(`${folder}/${start}-${end}-${shortHash(bytes)}`, bytes);
    return bytes;
  };
  return {
    byteLength: file.size,
    fetchedBytes: () => fetched,
    async slice(start, end = file.size) {
      const key = `${start}-${end}`;
      const running = pending.get(key) ?? load(start, end);
      pending.set(key, running);
      try {
        return (await running).buffer;
      } finally {
        pending.delete(key);
      }
    },
  };
}

async function needRoomFor(folder: string, bytes: number, what: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true }).catch(() => {});
  await needRoom(folder, bytes, what);
}

function shortHash(bytes: Uint8Array): string {
  return sha256(bytes).slice(0, 32);
}

/** A piece on disk that still is what came; one that is not is left for a new one to replace. */
async function keptPiece(
  folder: string,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  for (const { name } of entries) {
    const [, from, to, hash] = /^(\d+)-(\d+)-([0-9a-f]{32})$/.exec(name) ?? [];
    if (!(Number(from) <= start && end <= Number(to))) continue;
    const whole = await Deno.readFile(`${folder}/${name}`).catch(() => undefined);
    if (whole?.length !== Number(to) - Number(from) || shortHash(whole) !== hash) {
      await Deno.remove(`${folder}/${name}`).catch(() => {});
      continue;
    }
    return whole.slice(start - Number(from), end - Number(from));
  }
  return undefined;
}

async function fetchPiece(
  context: HubContext,
  repo: HubRepo,
  file: HubFile,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const what = fileWords(repo, file);
  const url = fileUrl(repo, file.path, context.settings.endpoint);
  const bytes = new Uint8Array(end - start);
  let done = 0;
  await withRetries(context, { what, progress: () => done }, async () => {
    const headers = { range: `bytes=${start + done}-${end - 1}` };
    const response = await hubRequest(context, { url, what, headers });
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
    if (response.status !== 206 || !range) {
      await response.body?.cancel();
      throw new SdmError(
        `Cannot read a part of ${what}: the server sends whole files only, ranges are needed`,
        { hint: "--dataset-whole fetches whole files" },
      );
    }
    if (Number(range[1]) !== start + done || Number(range[2]) !== file.size) {
      await response.body?.cancel();
      throw new SdmError(
        `Cannot read a part of ${what}: the server has ${range[2]} bytes of it, the listing says ` +
          `${file.size}, the same file is needed`,
      );
    }
    const reader = response.body!.getReader();
    try {
      let piece: Uint8Array | undefined;
      while (done < bytes.length && (piece = await readPiece(reader, context)) !== undefined) {
        const part = piece.subarray(0, bytes.length - done);
        bytes.set(part, done);
        done += part.length;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
    if (done < bytes.length) {
      throw new TransientError(`the connection ended after ${done} of ${bytes.length} bytes`);
    }
  });
  return bytes;
}
