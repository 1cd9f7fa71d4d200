/**
 * Which files of a list of paths are text, what system errors about them mean, and their bytes, unpacked.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";

const KIND = /\.(txt|jsonl|ndjson)(\.gz)?$/i;
const WANTED = "a .txt, .jsonl or .ndjson file (or one of them with .gz) is needed";

/** One text file of a corpus. */
export interface TextFile {
  /** Path to open. */
  path: string;
  /** Name that does not depend on where the corpus lies: the last part of the given path, and what is below it. */
  name: string;
  /** One document, or one JSON object a line. */
  kind: "txt" | "jsonl";
  /** Whether it is packed with gzip. */
  gzip: boolean;
  /** Bytes on disk. */
  bytes: number;
}

/** An {@link SdmError} for a text file that cannot be read. */
export function textReadError(path: string, error: unknown): SdmError {
  if (error instanceof SdmError) return error;
  const start = `Cannot read text "${path}"`;
  const make = (rest: string, hint?: string) =>
    new SdmError(`${start}: ${rest}`, { cause: error, hint: hint || undefined });
  if (error instanceof Deno.errors.NotFound) {
    return make("it does not exist, an existing file or folder is needed", neighbours(path));
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return make("access is denied, permission to read it is needed");
  }
  return make(`the system says "${messageOf(error)}", a readable file is needed`);
}

function neighbours(path: string): string {
  const clean = path.replace(/\/+$/, "");
  const cut = clean.lastIndexOf("/");
  try {
    const entries = [...Deno.readDirSync(cut < 0 ? "." : clean.slice(0, cut) || "/")];
    return didYouMean(clean.slice(cut + 1), entries.slice(0, 1000).map((e) => e.name).sort());
  } catch {
    return "";
  }
}

/**
 * The text files of `paths` in the order given; a folder gives all that it holds, sorted by path, without
 * hidden ones and without files of other kinds.
 * @throws {SdmError} for a missing path, a file of another kind, or when there is no text file at all.
 */
export async function listTextFiles(paths: readonly string[]): Promise<TextFile[]> {
  const files: TextFile[] = [];
  for (const given of paths) {
    const path = given.replace(/(?<=.)\/+$/, "");
    const name = path.split("/").at(-1) || path;
    try {
      const info = await Deno.stat(path);
      if (info.isDirectory) await addFolder(path, name, files);
      else files.push(textFile(path, name, info.size));
    } catch (error) {
      throw textReadError(given, error);
    }
  }
  if (files.length === 0) {
    const names = paths.length ? paths.map((p) => `"${p}"`).join(", ") : "no path";
    throw new SdmError(`Cannot read text: ${names} holds no text file, ${WANTED}`);
  }
  return files;
}

function textFile(path: string, name: string, bytes: number): TextFile {
  const match = KIND.exec(path);
  if (!match) {
    throw new SdmError(`Cannot read text "${path}": its ending is not one of text, ${WANTED}`);
  }
  return {
    path,
    name,
    kind: match[1].toLowerCase() === "txt" ? "txt" : "jsonl",
    gzip: match[2] !== undefined,
    bytes,
  };
}

async function addFolder(path: string, name: string, files: TextFile[]): Promise<void> {
  const entries = (await Array.fromAsync(Deno.readDir(path))).filter((e) => e.name[0] !== ".");
  // Plain code unit order, the same on every machine.
  entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  for (const entry of entries) {
    const inside = `${path}/${entry.name}`;
    if (entry.isDirectory) await addFolder(inside, `${name}/${entry.name}`, files);
    else if (KIND.test(entry.name)) {
      const info = await Deno.stat(inside);
      if (info.isFile) files.push(textFile(inside, `${name}/${entry.name}`, info.size));
    }
  }
}

/**
 * The bytes of a text file in pieces, unpacked when it is a gzip file.
 * @throws {SdmError} when it cannot be read or is not a whole gzip file.
 */
export async function* textBytes(file: TextFile): AsyncGenerator<Uint8Array> {
  let open: Deno.FsFile;
  try {
    open = await Deno.open(file.path, { read: true });
  } catch (error) {
    throw textReadError(file.path, error);
  }
  const stream: ReadableStream<Uint8Array> = file.gzip
    ? open.readable.pipeThrough(new DecompressionStream("gzip"))
    : open.readable;
  try {
    for await (const piece of stream) yield piece;
  } catch (error) {
    if (!file.gzip || error instanceof SdmError) throw textReadError(file.path, error);
    throw new SdmError(
      `Cannot read text "${file.path}": it is damaged or cut short, a whole gzip file is needed`,
      { cause: error },
    );
  }
}
