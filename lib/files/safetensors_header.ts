/**
 * The header of a safetensors file, checked as the reference reader checks it, with its names of errors.
 *
 * Layout: u64 little-endian length N, N bytes of JSON, data. Order of the checks and the places where the
 * reference is lenient are those of `read_metadata` and `validate` in safetensors 0.8 (`tensor.rs`).
 * @module
 */
import { DTYPE_BITS } from "./safetensors_dtypes.ts";
import { type RawInfo, readEntry, readMetadata } from "./safetensors_entry.ts";
import {
  SafetensorsError,
  type SafetensorsErrorCode,
  type SafetensorsHeader,
  type SafetensorsOptions,
} from "./safetensors_types.ts";
import { JsonObject, JsonSyntaxError, type JsonValue, parseStrictJson } from "./strict_json.ts";

/** Longest header that the format allows, in bytes. */
export const MAX_HEADER = 100_000_000;
const MAX_TENSORS = 1_000_000;
const MAX_RANK = 32;
const MAX_NAME = 4096;
const MAX_U64 = 2n ** 64n - 1n;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Length of the JSON text, from the first eight bytes of a file.
 * @throws {SafetensorsError} when the file is too short for it, or it is too large.
 */
export function headerLength(first: Uint8Array, fileLength: number, path: string): number {
  if (fileLength < 8 || first.length < 8) {
    throw new SafetensorsError(
      path,
      "HeaderTooSmall",
      `it has ${fileLength} bytes, at least 8 are needed`,
    );
  }
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) {
    const problem = `its header claims ${length} bytes, at most ${MAX_HEADER} are allowed`;
    throw new SafetensorsError(path, "HeaderTooLarge", problem);
  }
  if (8n + length > BigInt(fileLength)) {
    const problem = `its header claims ${length} bytes, the whole file has ${fileLength}`;
    throw new SafetensorsError(path, "InvalidHeaderLength", problem);
  }
  return Number(length);
}

/**
 * Checks and decodes the JSON text of a header.
 * @param bytes exactly the JSON text, padding included.
 * @throws {SafetensorsError} at the first check that fails, in the reference's order.
 */
export function parseHeader(
  bytes: Uint8Array,
  fileLength: number,
  path: string,
  options: SafetensorsOptions = {},
): SafetensorsHeader {
  const strict = !options.lenient;
  const bad = (problem: string, cause?: unknown): never => {
    throw new SafetensorsError(path, "InvalidHeaderDeserialization", problem, cause);
  };
  let root: JsonValue;
  try {
    root = parseStrictJson(decode(bytes, path));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return bad(`byte ${error.at} of its header ${error.problem}, valid JSON is needed`, error);
  }
  if (!(root instanceof JsonObject)) return bad("its header is not a JSON object, one is needed");
  if (strict) refuseDuplicates(root, path);
  else if (root.duplicates.some(([key]) => key === "__metadata__")) {
    bad('its header has "__metadata__" twice');
  }
  const metadata = readMetadata(root.members.get("__metadata__"), bad);
  // The reference decodes an entry whose name comes again, and then forgets it.
  for (const [name, entry] of root.duplicates) readEntry(name, entry, true, bad);
  const raw: RawInfo[] = [];
  for (const [name, entry] of root.members) {
    if (name !== "__metadata__") raw.push(readEntry(name, entry, !strict, bad));
  }
  if (strict) checkLimits(raw, path);
  raw.sort((a, b) => compare(a.begin, b.begin) || compare(a.end, b.end));
  const end = validate(raw, path, strict);
  const dataStart = 8 + bytes.length;
  if (end + BigInt(dataStart) !== BigInt(fileLength)) {
    const problem =
      `its header describes ${end + BigInt(dataStart)} bytes, the file has ${fileLength}` +
      (end + BigInt(dataStart) > BigInt(fileLength) ? " (cut short?)" : "");
    throw new SafetensorsError(path, "MetadataIncompleteBuffer", problem);
  }
  const tensors = new Map(raw.map(({ name, dtype, shape, begin, end }) => [
    name,
    Object.freeze({ dtype, shape: shape.map(Number), begin: Number(begin), end: Number(end) }),
  ]));
  return { tensors, metadata, dataStart };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new SafetensorsError(
      path,
      "InvalidHeader",
      "its header is not UTF-8, JSON is needed",
      error,
    );
  }
}

function refuseDuplicates(value: JsonValue, path: string): void {
  if (Array.isArray(value)) return value.forEach((item) => refuseDuplicates(item, path));
  if (!(value instanceof JsonObject)) return;
  if (value.duplicates.length > 0) {
    const name = JSON.stringify(value.duplicates[0][0].slice(0, 100));
    throw new SafetensorsError(path, "DuplicateKey", `its header has ${name} twice, one is needed`);
  }
  value.members.forEach((member) => refuseDuplicates(member, path));
}

function checkLimits(raw: RawInfo[], path: string): void {
  const over = (problem: string): never => {
    throw new SafetensorsError(path, "LimitExceeded", problem);
  };
  if (raw.length > MAX_TENSORS) {
    over(`it has ${raw.length} tensors, at most ${MAX_TENSORS} are read`);
  }
  for (const { name, shape } of raw) {
    const shown = JSON.stringify(name.slice(0, 100));
    if (name.length > MAX_NAME) {
      over(`the name ${shown}… has ${name.length} characters, at most ${MAX_NAME} are read`);
    }
    if (shape.length > MAX_RANK) {
      over(`tensor ${shown} has ${shape.length} axes, at most ${MAX_RANK} are read`);
    }
  }
}

/** Checks sorted tensors one by one, and gives the end of the data. */
function validate(raw: readonly RawInfo[], path: string, strict: boolean): bigint {
  let start = 0n;
  for (const { name, dtype, shape, begin, end } of raw) {
    const fail = (code: SafetensorsErrorCode, problem: string): never => {
      throw new SafetensorsError(
        path,
        code,
        `tensor ${JSON.stringify(name.slice(0, 100))} ${problem}`,
      );
    };
    if (begin !== start || end < begin) {
      fail("InvalidOffset", `has bytes ${begin} to ${end}, a start at ${start} is needed`);
    }
    let elements = 1n;
    for (const extent of shape) {
      elements *= extent;
      if (elements > MAX_U64) fail("ValidationOverflow", "has more elements than can be counted");
    }
    const bits = elements * BigInt(DTYPE_BITS.get(dtype)!);
    if (bits > MAX_U64) fail("ValidationOverflow", "has more bits than can be counted");
    if (bits % 8n !== 0n) fail("MisalignedSlice", `has ${bits} bits, whole bytes are needed`);
    if (end - begin !== bits / 8n) {
      fail("TensorInvalidInfo", `has ${end - begin} bytes, its shape and type need ${bits / 8n}`);
    }
    // Only an empty tensor can get here with an extent that a double does not hold.
    if (strict && shape.some((extent) => extent > MAX_SAFE)) {
      fail("ValidationOverflow", "has an extent above 2^53 - 1");
    }
    start = end;
  }
  return start;
}
