/**
 * The hub cache on disk, in the layout that Hugging Face's Python library reads and writes too:
 * `models--owner--name/{blobs/<etag>, refs/<revision>, snapshots/<commit>/<path> -> blob}`, locks in `.locks/`. Two folders are
 * our own, beside them: `sdm/` with listings of commits, `sdm/ranges/` with pieces of large files.
 * @module
 */
import { dirname, relative } from "node:path";
import { formatBytes } from "../base/format.ts";
import { SdmError } from "../base/errors.ts";
import { writeError, writeFileAtomic, writeJson } from "./atomic.ts";
import { freeBytes } from "./disk.ts";
import { type HubName, repoFolder, type RepoKind } from "./hub_names.ts";
import { type HubContext, pause } from "./hub_settings.ts";
import type { HubFile } from "./hub_types.ts";

/** Whether a revision is a commit, which never changes. */
export function isCommit(revision: string | undefined): revision is string {
  return revision !== undefined && /^[0-9a-f]{40}$/.test(revision);
}

/** Folder of a repository in the cache. */
export function repoPath(cache: string, kind: RepoKind, id: string): string {
  return `${cache}/${repoFolder(kind, id)}`;
}

/** Where a file of a snapshot stands. */
export function snapshotPath(repo: string, commit: string, path: string): string {
  return `${repo}/snapshots/${commit}/${path}`;
}

/** Bytes of a file, its link followed; undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return await Deno.stat(path).then((info) => info.isFile ? info.size : undefined, () => undefined);
}

/** The commit that a revision meant when it was last asked for. */
export async function cachedCommit(
  repo: string,
  revision: HubName["revision"],
): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const text = await Deno.readTextFile(`${repo}/refs/${revision ?? "main"}`).catch(() => "");
  return isCommit(text.trim()) ? text.trim() : undefined;
}

/** Notes which commit a revision means. */
export async function writeRef(repo: string, revision: string, commit: string): Promise<void> {
  if (isCommit(revision) || await cachedCommit(repo, revision) === commit) return;
  // Without a line's end, as the Python library writes it.
  await writeFileAtomic(`${repo}/refs/${revision}`, commit);
}

/** What a listing of ours holds. */
export interface Listing {
  /** The repository's card, as far as it is read. */
  configs?: unknown;
  /** Files below a folder, by the folder's path; "" is everything. */
  trees: Record<string, HubFile[]>;
}

/** Reads the listing of a commit; an unreadable one counts as none. */
export async function readListing(repo: string, commit: string): Promise<Listing | undefined> {
  try {
    const listing = JSON.parse(await Deno.readTextFile(`${repo}/sdm/${commit}.json`)) as Listing;
    return typeof listing?.trees === "object" ? listing : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the listing of a commit. */
export async function writeListing(repo: string, commit: string, listing: Listing): Promise<void> {
  await writeJson(`${repo}/sdm/${commit}.json`, listing);
}

/** The files of a snapshot that are whole on disk, sorted by path. */
export async function cachedFiles(repo: string, commit: string): Promise<HubFile[]> {
  const found: HubFile[] = [];
  const visit = async (folder: string, prefix: string) => {
    for (const entry of await Array.fromAsync(Deno.readDir(folder)).catch(() => [])) {
      const path = prefix + entry.name;
      if (entry.isDirectory) await visit(`${folder}/${entry.name}`, `${path}/`);
      else {
        const size = await sizeOf(`${folder}/${entry.name}`);
        const blob = await Deno.realPath(`${folder}/${entry.name}`).catch(() => "");
        const etag = blob.slice(blob.lastIndexOf("/") + 1);
        if (size !== undefined) found.push({ path, size, etag });
      }
    }
  };
  await visit(`${repo}/snapshots/${commit}`, "");
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Makes the entry of a snapshot that points to a blob; a copy where the system has no links. */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(pointer), { recursive: true });
    await Deno.remove(pointer).catch(() => {});
    await Deno.symlink(relative(dirname(pointer), blob), pointer)
      .catch((error) => {
        if (error instanceof Deno.errors.AlreadyExists) return;
        return Deno.copyFile(blob, pointer);
      });
  } catch (error) {
    throw writeError(pointer, error);
  }
}

/**
 * Holds the lock of a blob, which the Python library takes too, while `work` runs; waits while another process has it.
 */
export async function withBlobLock<T>(
  { settings, onProgress, signal }: HubContext,
  kind: RepoKind,
  id: string,
  etag: string,
  work: () => Promise<T>,
): Promise<T> {
  const path = `${settings.cache}/.locks/${repoFolder(kind, id)}/${etag}.lock`;
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    file = await Deno.open(path, { create: true, write: true });
  } catch (error) {
    throw writeError(path, error);
  }
  using _ = file;
  const figures = { "waiting for": "another process that fetches the same file" };
  let waited = 0;
  while (!await file.tryLock(true)) {
    const ms = Math.min(500, 20 + waited);
    await pause(ms, signal);
    waited += ms;
    if (waited > 1000) onProgress({ stage: "wait", done: waited / 1000, unit: "s", figures });
  }
  return await work();
}

/** Refuses to begin what the disk has no room for. */
export async function needRoom(folder: string, bytes: number, what: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || free >= bytes) return;
  throw new SdmError(
    `Cannot fetch ${what}: the disk of "${folder}" has ${formatBytes(free)} free, ` +
      `${formatBytes(bytes)} are needed`,
    { hint: "HF_HUB_CACHE names another folder for the hub cache" },
  );
}
