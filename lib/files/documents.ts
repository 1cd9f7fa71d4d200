/**
 * Text, JSON and TOML files, with errors that name the file, the line and the column.
 * @module
 */
import { parse, TomlError } from "smol-toml";
import { messageOf, SdmError } from "../base/errors.ts";
import { readError } from "./read_error.ts";
import { JsonSyntaxError, parseStrictJson, placeOf } from "./strict_json.ts";

/** Whether something exists at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw readError(path, error);
  }
}

/**
 * The bytes of a whole file.
 * @param what names the kind of file in errors: "config", "tokenizer".
 * @throws {SdmError} when it cannot be read.
 */
export async function readBytes(path: string, what = ""): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw readError(path, error, what);
  }
}

/**
 * The text of a UTF-8 file, without a byte order mark.
 * @throws {SdmError} when it cannot be read or is not UTF-8.
 */
export async function readTextFile(path: string, what = ""): Promise<string> {
  const bytes = await readBytes(path, what);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SdmError(
      `Cannot read ${
        what ? what + " " : ""
      }"${path}": its bytes are not UTF-8, a text file is needed`,
      { cause: error },
    );
  }
}

/**
 * A JSON file.
 * @throws {SdmError} when it cannot be read, or with line and column when it is not JSON.
 */
export async function readJson(path: string, what = ""): Promise<unknown> {
  return parseJson(await readTextFile(path, what), path, what);
}

/** A JSON text; `path` is what errors call it. */
export function parseJson(text: string, path: string, what = ""): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const start = `Cannot read ${what ? what + " " : ""}"${path}"`;
    if (text.trim() === "") {
      throw new SdmError(`${start}: it is empty, valid JSON is needed`, { cause: error });
    }
    throw new SdmError(`${start}: ${problemOf(text, error)}, valid JSON is needed`, {
      cause: error,
    });
  }
}

function problemOf(text: string, error: unknown): string {
  try {
    parseStrictJson(text);
  } catch (strict) {
    if (strict instanceof JsonSyntaxError) {
      const { line, column } = placeOf(text, strict.at);
      return `line ${line}, column ${column} ${strict.problem}`;
    }
  }
  return messageOf(error);
}

/**
 * A TOML file.
 * @throws {SdmError} when it cannot be read, or with line and column when it is not TOML.
 */
export async function readToml(path: string, what = ""): Promise<Record<string, unknown>> {
  return parseToml(await readTextFile(path, what), path, what);
}

/** A TOML text; `path` is what errors call it. */
export function parseToml(text: string, path: string, what = ""): Record<string, unknown> {
  try {
    // The parser's tables have no prototype; callers expect plain objects.
    return structuredClone(parse(text)) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = error.message.split("\n")[0].replace(/^Invalid TOML document: /, "");
    throw new SdmError(
      `Cannot read ${
        what ? what + " " : ""
      }"${path}": line ${error.line}, column ${error.column} ` +
        `has a mistake (${problem}), valid TOML is needed`,
      { cause: error },
    );
  }
}
