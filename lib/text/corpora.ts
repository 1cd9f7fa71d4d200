/**
 * Documents from text files, one at a time, and a fingerprint of the files that they come from.
 * @module
 */
import { createHash } from "node:crypto";
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { listTextFiles, type TextFile, textReadError } from "./text_files.ts";
import { textBytes } from "./unpack.ts";

/** One document of a corpus. */
export interface Document {
  /** Its text. */
  text: string;
  /** Where it comes from: `name` or `name:line`, independent of where the corpus lies. */
  source: string;
}

/** Options of {@link openCorpus}. */
export interface CorpusOptions {
  /** Field of a JSON line that holds the text; default "text". */
  textField?: string;
}

/**
 * The documents of text files, in order: a `.txt` file is one document, a `.jsonl` or `.ndjson` file one a line, a
 * `.parquet` file one a row, a folder all of these below it, sorted; lines and texts may be packed as `.gz` or `.zst`.
 * Documents without text are left out. A file is opened, and if need be fetched, when the one before it is read.
 * @param from paths, or files that were found elsewhere
 * @throws {SdmError} naming file and line for a bad line, and when there is no text at all.
 */
export async function* openCorpus(
  from: readonly string[] | readonly TextFile[],
  options: CorpusOptions = {},
): AsyncGenerator<Document> {
  const field = options.textField ?? "text";
  const paths = from.map((one) => typeof one === "string" ? one : one.name);
  let found = 0;
  for (const file of isListed(from) ? from : await listTextFiles(paths)) {
    for await (const document of documentsOf(file, field)) {
      if (document.text === "") continue;
      found++;
      yield document;
    }
  }
  if (found === 0) {
    const names = paths.map((p) => `"${p}"`).join(", ");
    throw new SdmError(`Cannot read text: ${names} holds no text, at least one document is needed`);
  }
}

function isListed(from: readonly string[] | readonly TextFile[]): from is readonly TextFile[] {
  return from.length > 0 && typeof from[0] !== "string";
}

function documentsOf(file: TextFile, field: string): AsyncGenerator<Document> {
  if (file.kind === "parquet") return tableRows(file, field);
  return file.kind === "txt" ? wholeFile(file) : jsonLines(file, field);
}

async function* tableRows(file: TextFile, field: string): AsyncGenerator<Document> {
  // Loaded by those who have such files only: it takes a tenth of a second.
  const { openTable, tableTexts } = await import("./parquet.ts");
  const table = await openTable(file, field);
  for await (const { text, row } of tableTexts(table)) {
    yield { text, source: `${file.name}:${row + 1}` };
  }
}

function badBytes(file: TextFile, cause: unknown, line?: number): SdmError {
  const place = line === undefined ? `"${file.path}"` : `"${file.path}:${line}"`;
  return new SdmError(`Cannot read text ${place}: its bytes are not UTF-8, UTF-8 text is needed`, {
    cause,
    hint: "iconv -f latin1 -t utf-8 converts a text in Latin-1",
  });
}

async function* wholeFile(file: TextFile): AsyncGenerator<Document> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const parts: string[] = [];
  for await (const bytes of textBytes(file)) parts.push(decode(decoder, file, bytes));
  parts.push(decode(decoder, file));
  yield { text: parts.join(""), source: file.name };
}

function decode(decoder: TextDecoder, file: TextFile, bytes?: Uint8Array, line?: number): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch (error) {
    throw badBytes(file, error, line);
  }
}

async function* jsonLines(file: TextFile, field: string): AsyncGenerator<Document> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  let tail: string[] = [];
  for await (const bytes of textBytes(file)) {
    const pieces = decode(decoder, file, bytes, line).split("\n");
    for (let i = 0; i < pieces.length - 1; i++) {
      const whole = tail.length ? tail.join("") + pieces[i] : pieces[i];
      tail = [];
      const document = lineDocument(file, line++, whole, field);
      if (document) yield document;
    }
    tail.push(pieces[pieces.length - 1]);
  }
  const document = lineDocument(file, line, tail.join("") + decode(decoder, file), field);
  if (document) yield document;
}

function lineDocument(
  file: TextFile,
  line: number,
  json: string,
  field: string,
): Document | undefined {
  if (json.trim() === "") return undefined;
  const start = `Cannot read text "${file.path}:${line}"`;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const problem = messageOf(error).replace(/\s+at position \d+.*$/s, "");
    throw new SdmError(`${start}: it is not JSON (${problem}), one object a line is needed`, {
      cause: error,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SdmError(`${start}: it is not an object, one JSON object a line is needed`);
  }
  const text = (value as Record<string, unknown>)[field];
  if (typeof text !== "string") {
    const found = text === undefined ? `it has no field "${field}"` : `"${field}" is not a string`;
    const names = Object.entries(value).filter(([, v]) => typeof v === "string").map(([k]) => k);
    const has = names.length ? `its text fields are ${names.map((n) => `"${n}"`).join(", ")}` : "";
    throw new SdmError(`${start}: ${found}, the text of the document is needed there`, {
      hint: didYouMean(field, names) || has || undefined,
    });
  }
  return { text, source: `${file.name}:${line}` };
}

/** What {@link corpusFingerprint} found. */
export interface CorpusFingerprint {
  /** SHA-256 over every file's name, size and bytes, in order. */
  sha256: string;
  /** Number of files. */
  files: number;
  /** Bytes of all files on disk. */
  bytes: number;
}

/**
 * Names the content of a corpus: equal for equal files under equal names, wherever the corpus lies.
 * @throws {SdmError} when a file cannot be read.
 */
export async function corpusFingerprint(paths: readonly string[]): Promise<CorpusFingerprint> {
  const files = await listTextFiles(paths);
  const hash = createHash("sha256");
  let bytes = 0;
  const piece = new Uint8Array(1 << 20);
  for (const file of files) {
    hash.update(`${file.name}\0${file.bytes}\0`);
    bytes += file.bytes;
    try {
      using open = await Deno.open(file.path, { read: true });
      let count: number | null;
      while ((count = await open.read(piece)) !== null) hash.update(piece.subarray(0, count));
    } catch (error) {
      throw textReadError(file.path, error);
    }
  }
  return { sha256: hash.digest("hex"), files: files.length, bytes };
}
