/**
 * Whole files from the hub into its cache: resumed where they stopped, checked against what the hub says of them.
 *
 * The hub's own client for JavaScript fetches files too, but begins anew after every break, checks neither size nor hash,
 * takes no lock, and files snapshots under the last commit of the file and not under that of the revision, where the
 * Python library would look. So it is asked for listings only.
 * @module
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { SdmError } from "../base/errors.ts";
import { syncFolder, writeError } from "./atomic.ts";
import { linkBlob, needRoom, repoPath, sizeOf, snapshotPath, withBlobLock } from "./hub_cache.ts";
import { hubRequest, readPiece, TransientError, withRetries } from "./hub_http.ts";
import type { HubFile, HubRepo } from "./hub_types.ts";
import { type HubContext, networkWords } from "./hub_settings.ts";

/** Bytes between two reports of progress, about. */
const REPORT_BYTES = 1 << 18;

/** What errors call a file of the hub. */
export function fileWords(repo: HubRepo, file: HubFile): string {
  return `"${file.path}" of ${repo.kind} "${repo.id}"`;
}

/** Address of a file at the commit of the repository. */
export function fileUrl({ kind, id, commit }: HubRepo, path: string, endpoint: string): string {
  const folder = kind === "model" ? "" : `${kind}s/`;
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${endpoint}/${folder}${id}/resolve/${commit}/${encoded}`;
}

/** Path of a file in the cache, when it is whole there. */
export async function cachedFile(
  { settings }: HubContext,
  { kind, id, commit }: HubRepo,
  { path, size }: HubFile,
): Promise<string | undefined> {
  const pointer = snapshotPath(repoPath(settings.cache, kind, id), commit, path);
  return await sizeOf(pointer) === size ? pointer : undefined;
}

/**
 * Fetches a file unless it is in the cache.
 * @returns its path in the snapshot of the commit
 * @throws SdmError when the hub refuses, the disk is full, or what came is not what the hub says
 */
export async function fetchFile(
  context: HubContext,
  repo: HubRepo,
  file: HubFile,
): Promise<string> {
  const { settings } = context;
  const found = await cachedFile(context, repo, file);
  if (found !== undefined) return found;
  const folder = repoPath(settings.cache, repo.kind, repo.id);
  const pointer = snapshotPath(folder, repo.commit, file.path);
  const blob = `${folder}/blobs/${file.etag}`;
  // A file that did not change between two commits is there already.
  const isThere = await sizeOf(blob) === file.size;
  if (settings.offline && !isThere) throw offlineError(context, repo, file);
  await withBlobLock(context, repo.kind, repo.id, file.etag, async () => {
    if (await sizeOf(blob) !== file.size) await fetchBlob(context, repo, file, blob);
    await linkBlob(blob, pointer);
  });
  return pointer;
}

/** The error for what is not in the cache while the network must not be touched. */
export function offlineError({ settings }: HubContext, repo: HubRepo, file: HubFile): SdmError {
  return new SdmError(
    `Cannot fetch ${fileWords(repo, file)} at ${repo.commit.slice(0, 8)}: it is not in the cache ` +
      `"${settings.cache}", and the network is turned off`,
    { hint: "run once without --offline and HF_HUB_OFFLINE" },
  );
}

async function fetchBlob(
  context: HubContext,
  repo: HubRepo,
  file: HubFile,
  blob: string,
): Promise<void> {
  const partial = `${blob}.incomplete`;
  const what = fileWords(repo, file);
  try {
    await Deno.mkdir(dirname(blob), { recursive: true });
  } catch (error) {
    throw writeError(blob, error);
  }
  for (let round = 1;; round++) {
    const there = Math.min(await sizeOf(partial) ?? 0, file.size);
    await needRoom(dirname(blob), file.size - there, what);
    await fillPartial(context, repo, file, partial);
    const problem = await mismatch(partial, file);
    if (problem === undefined) break;
    await Deno.remove(partial).catch(() => {});
    // What an earlier process left may be at fault: a second time it is the server.
    if (round > 1 || there === 0) {
      throw new SdmError(`Cannot fetch ${what}: ${problem}`, {
        hint: "what came was removed; try again later, or another HF_ENDPOINT",
      });
    }
  }
  try {
    await Deno.rename(partial, blob);
  } catch (error) {
    throw writeError(blob, error);
  }
  await syncFolder(dirname(blob));
}

async function fillPartial(
  context: HubContext,
  repo: HubRepo,
  file: HubFile,
  partial: string,
): Promise<void> {
  const { settings, onProgress } = context;
  let out: Deno.FsFile;
  try {
    out = await Deno.open(partial, { write: true, create: true });
  } catch (error) {
    throw writeError(partial, error);
  }
  using open = out;
  let done = (await open.stat()).size;
  if (done > file.size) await open.truncate(done = 0);
  const stage = `fetch ${file.path.slice(file.path.lastIndexOf("/") + 1)}`;
  const say = (figures?: Record<string, string>) =>
    onProgress({ stage, done, total: file.size, unit: "bytes", figures });
  const what = fileWords(repo, file);
  const url = fileUrl(repo, file.path, settings.endpoint);
  if (file.size > 0) say();
  const onRetry = (failures: number, reason: string) =>
    say({ "try again": `${failures} (${reason})` });
  await withRetries(context, { what, progress: () => done, onRetry }, async () => {
    if (done >= file.size) return;
    const headers: Record<string, string> = done > 0 ? { range: `bytes=${done}-` } : {};
    const response = await hubRequest(context, { url, what, headers }).catch((error) => {
      // 416 says that the part on disk is longer than the file there.
      if (error instanceof SdmError && / 416\b/.test(error.message) && done > 0) {
        done = 0;
        open.truncateSync(0);
        throw new TransientError("it refuses the range", 0);
      }
      throw error;
    });
    const start = startOf(response);
    if (start !== done) {
      done = start === 0 ? 0 : done;
      if (start !== 0) throw new TransientError(`it sent bytes from ${start} on`);
      await open.truncate(0);
    }
    await open.seek(done, Deno.SeekMode.Start);
    await copyBody(context, response, open, partial, (count, reported) => {
      done += count;
      if (done > file.size) {
        throw new SdmError(
          `Cannot fetch ${what}: more than its ${file.size} bytes came, the same file is needed`,
        );
      }
      if (reported || done === file.size) say();
    });
    if (done < file.size) {
      throw new TransientError(`the connection ended after ${done} of ${file.size} bytes`);
    }
  });
  try {
    await open.sync();
  } catch (error) {
    throw writeError(partial, error, done);
  }
}

/** First byte of an answer: that of its range, or 0 where the server does not know ranges. */
function startOf(response: Response): number {
  if (response.status !== 206) return 0;
  return Number(/bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? NaN);
}

async function copyBody(
  context: HubContext,
  response: Response,
  to: Deno.FsFile,
  path: string,
  onBytes: (count: number, report: boolean) => void,
): Promise<void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  let sinceReport = 0;
  try {
    let piece: Uint8Array | undefined;
    while ((piece = await readPiece(reader, context)) !== undefined) {
      for (let at = 0; at < piece.length;) {
        try {
          at += await to.write(piece.subarray(at));
        } catch (error) {
          throw writeError(path, error);
        }
      }
      sinceReport += piece.length;
      onBytes(piece.length, sinceReport >= REPORT_BYTES);
      if (sinceReport >= REPORT_BYTES) sinceReport = 0;
    }
  } finally {
    await reader.cancel().catch(networkWords);
  }
}

/** How the bytes of a file differ from what the hub says of them; undefined when they do not. */
async function mismatch(path: string, file: HubFile): Promise<string | undefined> {
  const size = await sizeOf(path) ?? 0;
  if (size !== file.size) return `${size} bytes came, ${file.size} are needed`;
  // A file outside of LFS is named as git names it: SHA-1 with a head of kind and size.
  const hash = file.sha256 !== undefined
    ? createHash("sha256")
    : createHash("sha1").update(`blob ${size}\0`);
  const wanted = file.sha256 ?? file.etag;
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(wanted)) return undefined;
  using open = await Deno.open(path, { read: true });
  const piece = new Uint8Array(1 << 20);
  let count: number | null;
  while ((count = await open.read(piece)) !== null) hash.update(piece.subarray(0, count));
  const found = hash.digest("hex");
  if (found === wanted) return undefined;
  const name = file.sha256 !== undefined ? "SHA-256" : "git hash";
  return `its ${name} is ${found}, the hub says ${wanted}`;
}
