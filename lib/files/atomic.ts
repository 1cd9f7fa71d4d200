/**
 * Files and folders that appear whole or not at all: write under a name in `.partial`, sync, rename.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { codeOf } from "./read_error.ts";

const encoder = new TextEncoder();
/** Temporary names in use by this thread, so that two writers of one path do not share a file. */
const inUse = new Set<string>();

/** An {@link SdmError} for a write that failed; one that already is an SdmError is given back. */
export function writeError(path: string, error: unknown, written = 0): SdmError {
  if (error instanceof SdmError) return error;
  const start = `Cannot write "${path}"`;
  const make = (rest: string, hint?: string) =>
    new SdmError(`${start}: ${rest}`, { cause: error, hint });
  const code = codeOf(error);
  const other = "choose another folder for the output";
  if (code === "ENOSPC" || code === "EDQUOT" || /os error (28|122)\b/.test(messageOf(error))) {
    return make(
      `the disk is full after ${formatBytes(written)} of it, more free space is needed`,
      `free some space or ${other}; what was finished before is intact`,
    );
  }
  if (code === "EROFS" || /os error 30\b/.test(messageOf(error))) {
    return make("the file system is read-only, a writable folder is needed", other);
  }
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return make("access is denied, permission to write there is needed", other);
  }
  if (error instanceof Deno.errors.IsADirectory || code === "EISDIR") {
    return make("it is a folder, the name of a file is needed");
  }
  if (error instanceof Deno.errors.NotADirectory || code === "ENOTDIR" || code === "EEXIST") {
    return make("a part of its path is a file, a folder is needed", other);
  }
  return make(`the system says "${messageOf(error)}", a writable place is needed`);
}

function folderOf(path: string): string {
  const cut = path.replace(/\/+$/, "").lastIndexOf("/");
  return cut < 0 ? "." : path.slice(0, cut) || "/";
}

function claimPartial(path: string): string {
  let partial = `${path}.partial`;
  for (let n = 2; inUse.has(partial); n++) partial = `${path}.${n}.partial`;
  inUse.add(partial);
  return partial;
}

/** Asks the system to put a folder's entries on disk; a system that cannot is not an error. */
export async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path, { read: true });
    await folder.sync();
  } catch { /* not every system opens folders */ }
}

/**
 * A file that is written under a temporary name and gets its own name when it is whole.
 * Missing parent folders are made. Leaving a scope without {@link AtomicFile.commit} removes what was written.
 */
export class AtomicFile implements AsyncDisposable {
  #open: Deno.FsFile | undefined;
  #written = 0;
  /** Whether the temporary name is still this file's: after that it may be another writer's. */
  #claims = true;

  private constructor(readonly path: string, readonly partial: string, file: Deno.FsFile) {
    this.#open = file;
  }

  /**
   * Opens the temporary file beside `path`.
   * @throws {SdmError} when the folder cannot be written.
   */
  static async create(path: string): Promise<AtomicFile> {
    const partial = claimPartial(path);
    try {
      await Deno.mkdir(folderOf(path), { recursive: true });
      const file = await Deno.open(partial, { write: true, create: true, truncate: true });
      return new AtomicFile(path, partial, file);
    } catch (error) {
      inUse.delete(partial);
      throw writeError(path, error);
    }
  }

  /** Bytes written so far. */
  get written(): number {
    return this.#written;
  }

  /**
   * Adds bytes, or a text as UTF-8.
   * @throws {SdmError} when the disk is full, and so on; the temporary file is removed then.
   */
  async write(chunk: string | Uint8Array): Promise<void> {
    const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
    const file = this.#file();
    try {
      for (let done = 0; done < bytes.length;) {
        const count = await file.write(bytes.subarray(done));
        done += count;
        this.#written += count;
      }
    } catch (error) {
      await this.abort();
      throw writeError(this.path, error, this.#written);
    }
  }

  /**
   * Puts the file on disk and gives it its name, in place of an older file of that name.
   * @throws {SdmError} when the system refuses; the older file is intact then.
   */
  async commit(): Promise<void> {
    const file = this.#file();
    try {
      await file.sync();
      this.#close();
      await Deno.rename(this.partial, this.path);
    } catch (error) {
      await this.abort();
      throw writeError(this.path, error, this.#written);
    }
    this.#release();
    await syncFolder(folderOf(this.path));
  }

  /** Removes what was written; nothing happens after a commit or an earlier abort. */
  async abort(): Promise<void> {
    this.#close();
    if (!this.#claims) return;
    await Deno.remove(this.partial).catch(() => {});
    this.#release();
  }

  /** Aborts unless committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  #release(): void {
    if (this.#claims) inUse.delete(this.partial);
    this.#claims = false;
  }

  #file(): Deno.FsFile {
    if (!this.#open) throw new TypeError(`Cannot write "${this.path}": the file is closed`);
    return this.#open;
  }

  #close(): void {
    this.#open?.close();
    this.#open = undefined;
  }
}

/**
 * Writes a whole file so that a reader sees the old one or the new one, never a part.
 * @throws {SdmError} when the disk is full, read-only, and so on.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await using file = await AtomicFile.create(path);
  await file.write(data);
  await file.commit();
}

/** Writes a value as indented JSON with a final newline, atomically. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, JSON.stringify(value, null, 2) + "\n");
}

/**
 * Fills a folder under a temporary name and then gives it its name, in place of an older folder of that name.
 * When `fill` fails, the temporary folder is removed and the older one is intact.
 */
export async function writeFolderAtomic<T>(
  path: string,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  const partial = claimPartial(path);
  try {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
    await Deno.mkdir(partial, { recursive: true });
    const answer = await fill(partial);
    await syncFolder(partial);
    await replaceFolder(partial, path);
    await syncFolder(folderOf(path));
    return answer;
  } catch (error) {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
    // What `fill` throws is its own affair unless it comes from the system.
    throw codeOf(error) ? writeError(path, error) : error;
  } finally {
    inUse.delete(partial);
  }
}

/** A rename does not replace a folder that has something in it, so the old one steps aside first. */
async function replaceFolder(from: string, to: string): Promise<void> {
  const aside = `${to}.old.partial`;
  await Deno.remove(aside, { recursive: true }).catch(() => {});
  const hadOld = await Deno.rename(to, aside).then(() => true, () => false);
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (hadOld) await Deno.rename(aside, to);
    throw error;
  }
  if (hadOld) await Deno.remove(aside, { recursive: true }).catch(() => {});
}

/** Removes a file; one that is not there is no error. */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw writeError(path, error);
  }
}

/** Removes a folder with all that is in it; one that is not there is no error. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw writeError(path, error);
  }
}
