/**
 * Which files of a list of paths are text, and what system errors about them mean.
 * @module
 */
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";

const KIND = /\.(?:(txt|jsonl|ndjson|json)(?:\.(gz|zst))?|(parquet))$/i;
const WANTED =
  "a .txt, .jsonl, .ndjson file (or one of them with .gz or .zst) or a .parquet file is needed";

/** How a file holds text. */
export interface TextForm {
  /** One document, one JSON object a line, or a table with a column of texts. */
  kind: "txt" | "jsonl" | "parquet";
  /** How the whole file is packed. */
  packing?: "gzip" | "zstd";
}

/** A file of which pieces can be read. */
export interface ByteRanges {
  /** Bytes of the file. */
  readonly byteLength: number;
  /** Bytes [start, end) of it; to its end without `end`. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** One text file of a corpus. */
export interface TextFile extends TextForm {
  /** Path to open; what errors call it. */
  path: string;
  /** Name that does not depend on where the corpus lies: the last part of the given path, and what is below it. */
  name: string;
  /** Bytes on disk. */
  bytes: number;
  /** For a file that may be elsewhere: brings it and answers where it then lies. */
  locate?: () => Promise<string>;
  /** For a file that stays elsewhere: reads pieces of it. */
  ranges?: () => Promise<ByteRanges>;
}

/** How a file of this name holds text; undefined for a name of another kind. */
export function textForm(name: string): TextForm | undefined {
  const match = KIND.exec(name);
  if (!match) return undefined;
  const [, kind, packed] = match.map((part) => part?.toLowerCase());
  return {
    kind: kind === undefined ? "parquet" : kind === "txt" ? "txt" : "jsonl",
    packing: packed === "gz" ? "gzip" : packed === "zst" ? "zstd" : undefined,
  };
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
  const form = textForm(path);
  if (!form) {
    throw new SdmError(`Cannot read text "${path}": its ending is not one of text, ${WANTED}`);
  }
  return { path, name, ...form, bytes };
}

async function addFolder(path: string, name: string, files: TextFile[]): Promise<void> {
  const entries = (await Array.fromAsync(Deno.readDir(path))).filter((e) => e.name[0] !== ".");
  // Plain code unit order, the same on every machine.
  entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  for (const entry of entries) {
    const inside = `${path}/${entry.name}`;
    // A plain .json in a folder is more often a configuration than a corpus.
    if (entry.isDirectory) await addFolder(inside, `${name}/${entry.name}`, files);
    else if (KIND.test(entry.name) && !/\.json$/i.test(entry.name)) {
      const info = await Deno.stat(inside);
      if (info.isFile) files.push(textFile(inside, `${name}/${entry.name}`, info.size));
    }
  }
}
