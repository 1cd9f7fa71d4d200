/**
 * A repository of the hub at one commit: what it is called, what files it has. Answers are kept in the cache, so that the
 * same commit can be opened again without network.
 * @module
 */
import { didYouMean } from "../base/nearest.ts";
import { SdmError } from "../base/errors.ts";
import {
  cachedCommit,
  cachedFiles,
  isCommit,
  type Listing,
  readListing,
  repoPath,
  writeListing,
  writeRef,
} from "./hub_cache.ts";
import { apiAnswer, NotFoundError, UnreachableError, withRetries } from "./hub_http.ts";
import { type HubName, hubNameText, type RepoKind } from "./hub_names.ts";
import type { HubFile, HubRepo } from "./hub_types.ts";
import type { HubContext } from "./hub_settings.ts";

/** The hub's client with our requests beneath it. */
async function client(context: HubContext, what: string) {
  const hub = await import("@huggingface/hub");
  const send = async (url: string | URL | Request) =>
    await withRetries(
      context,
      { what },
      () => apiAnswer(context, { url: String(url), what, headers: { accept: "application/json" } }),
    );
  return { hub, options: { hubUrl: context.settings.endpoint, fetch: send as typeof fetch } };
}

/**
 * Opens a repository. A commit whose listing is in the cache is opened without a word to the hub; another revision is
 * asked for, and without a connection taken as it was when it was last asked for.
 * @throws SdmError when the hub refuses or does not know it, or when it is not in the cache while offline
 */
export async function openRepo(
  context: HubContext,
  kind: RepoKind,
  name: HubName,
): Promise<HubRepo> {
  const { settings } = context;
  const path = repoPath(settings.cache, kind, name.id);
  const known = await cachedCommit(path, name.revision);
  const listing = known ? await readListing(path, known) : undefined;
  if (known && (settings.offline || (listing && isCommit(name.revision)))) {
    return await repoFromCache(context, kind, name.id, known, listing);
  }
  const what = `${kind} "${hubNameText(name)}"`;
  if (settings.offline) {
    throw new SdmError(
      `Cannot fetch ${what}: it is not in the cache "${settings.cache}", and the network is turned off`,
      { hint: "run once without --offline and HF_HUB_OFFLINE" },
    );
  }
  try {
    const { commit, configs } = await askFor(context, kind, name, what);
    await writeRef(path, name.revision ?? "main", commit);
    const before = await readListing(path, commit);
    const trees = before?.trees ?? {};
    return lazyRepo(context, { kind, id: name.id, commit, configs }, path, { configs, trees });
  } catch (error) {
    if (error instanceof UnreachableError && known) {
      return await repoFromCache(context, kind, name.id, known, listing);
    }
    throw error;
  }
}

async function repoFromCache(
  context: HubContext,
  kind: RepoKind,
  id: string,
  commit: string,
  listing: Listing | undefined,
): Promise<HubRepo> {
  const path = repoPath(context.settings.cache, kind, id);
  if (listing && !context.settings.offline) {
    return lazyRepo(context, { kind, id, commit, configs: listing.configs }, path, listing);
  }
  // What another program has put into the cache comes without a listing of ours.
  const onDisk = await cachedFiles(path, commit);
  const all = listing
    ? Object.values(listing.trees).flat()
    : onDisk.map((file) =>
      /^[0-9a-f]{64}$/.test(file.etag) ? { ...file, sha256: file.etag } : file
    );
  const files = [...new Map(all.map((file) => [file.path, file])).values()].sort(byPath);
  if (files.length === 0) {
    throw new SdmError(
      `Cannot open ${kind} "${id}" at ${commit.slice(0, 8)}: nothing of it is in the cache ` +
        `"${context.settings.cache}", and the network is turned off`,
      { hint: "run once without --offline and HF_HUB_OFFLINE" },
    );
  }
  return {
    kind,
    id,
    commit,
    configs: listing?.configs,
    files: (folder) => Promise.resolve(files.filter(({ path }) => isBelow(path, folder))),
  };
}

function isBelow(path: string, folder: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

function byPath(a: HubFile, b: HubFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** A repository that asks for the files of a folder when they are wanted, and keeps the answer. */
function lazyRepo(
  context: HubContext,
  facts: Omit<HubRepo, "files">,
  path: string,
  listing: Listing,
): HubRepo {
  const { kind, id, commit } = facts;
  return {
    ...facts,
    files: async (folder) => {
      const known = listing.trees[folder] ??
        listing.trees[""]?.filter((file) => isBelow(file.path, folder));
      if (known) return known;
      const files = await askForFiles(context, kind, { id, revision: commit }, folder);
      listing.trees[folder] = files;
      await writeListing(path, commit, listing);
      return files;
    },
  };
}

async function askFor(
  context: HubContext,
  kind: RepoKind,
  { id, revision }: HubName,
  what: string,
): Promise<{ commit: string; configs?: unknown }> {
  const { hub, options } = await client(context, what);
  const asked = { ...options, name: id, revision: revision ?? "main" };
  try {
    if (kind === "model") {
      const { sha } = await hub.modelInfo({ ...asked, additionalFields: ["sha"] });
      return { commit: commitOf(sha, what) };
    }
    const facts = await hub.datasetInfo({ ...asked, additionalFields: ["sha", "cardData"] });
    const card = facts.cardData as { configs?: unknown } | undefined;
    return { commit: commitOf(facts.sha, what), configs: card?.configs };
  } catch (error) {
    if (!(error instanceof NotFoundError) || error.code === "RevisionNotFound") throw error;
    const hint = didYouMean(id, await similarNames(context, kind, id));
    throw hint ? new SdmError(error.message, { cause: error, hint }) : error;
  }
}

function commitOf(sha: unknown, what: string): string {
  if (typeof sha === "string" && isCommit(sha)) return sha;
  throw new SdmError(`Cannot fetch ${what}: the hub names no commit of it, one is needed`);
}

/** Names like `id` that the hub knows; none when it does not say. */
export async function similarNames(
  context: HubContext,
  kind: RepoKind,
  id: string,
  owner?: string,
): Promise<string[]> {
  const query = id.slice(id.indexOf("/") + 1);
  const quick = { ...context, settings: { ...context.settings, timeoutMs: 5000 } };
  try {
    const { hub, options } = await client(quick, `names like "${id}"`);
    const asked = { ...options, search: { query, owner }, limit: 20 };
    const list = kind === "model" ? hub.listModels(asked) : hub.listDatasets(asked);
    return (await Array.fromAsync<{ name: string }>(list)).map(({ name }) => name);
  } catch {
    return [];
  }
}

async function askForFiles(
  context: HubContext,
  kind: RepoKind,
  name: Required<HubName>,
  folder: string,
): Promise<HubFile[]> {
  const what = `the list of files of ${kind} "${name.id}"`;
  const { hub, options } = await client(context, what);
  const repo = { type: kind, name: name.id };
  const asked = { ...options, repo, revision: name.revision, recursive: true };
  const files: HubFile[] = [];
  for await (const entry of hub.listFiles({ ...asked, path: folder || undefined })) {
    if (entry.type !== "file" || !isSafe(entry.path)) continue;
    const { path, size, oid = "", lfs } = entry;
    if (lfs && /^[0-9a-f]{64}$/.test(lfs.oid)) {
      files.push({ path, size: lfs.size, etag: lfs.oid, sha256: lfs.oid });
    } else {files.push({
        path,
        size,
        etag: /^[0-9a-f]{40}$/.test(oid) ? oid : `${name.revision}-${files.length}`,
      });}
  }
  return files.sort(byPath);
}

/** Paths come from others: one that leads out of the snapshot is left out. */
function isSafe(path: string): boolean {
  return !path.startsWith("/") && !path.includes("\\") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
