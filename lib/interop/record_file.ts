/**
 * Any trained record in the program's own layout: numbers and names in `sdm.json`, matrices in `dict.safetensors`.
 * Which fields are matrices is seen from the record itself, so that a new kind of record needs nothing here.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { readJson } from "../files/documents.ts";
import { writeJson } from "../files/atomic.ts";
import { sha256 } from "../files/hash.ts";
import { SafetensorsFile } from "../files/safetensors.ts";
import { type TensorInput, writeSafetensors } from "../files/safetensors_write.ts";
import type { Provenance, TrainedRecord } from "../models/record.ts";

/** File of the matrices. */
export const TENSORS_FILE = "dict.safetensors";
/** File of everything else. */
export const RECORD_FILE = "sdm.json";

const FORMAT = "sdm-record";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A tensor in the place of a matrix. */
interface TensorRef {
  tensor: string;
}

/** The content of `sdm.json`. */
interface RecordFile {
  format: typeof FORMAT;
  version: 1;
  record: Json;
  provenance: Provenance;
  tensors: Record<string, string>;
}

/** Widths of the rows of matrices by the field that holds them; all others are vectors. */
function columnsOf(record: TrainedRecord, field: string): number {
  if (/^(wEnc|wSkip|wQ|wK|wV|keys)$/.test(field)) return record.dIn;
  return field === "wDec" ? record.dOut : 1;
}

/** Takes the matrices out of a value; `field` is the name of the record's field that it is part of. */
function split(
  value: unknown,
  path: string,
  field: string,
  record: TrainedRecord,
  tensors: TensorInput[],
): Json {
  if (value instanceof Float32Array) {
    const columns = columnsOf(record, field);
    const shape = columns === 1 ? [value.length] : [value.length / columns, columns];
    tensors.push({ name: path, shape, data: value as Float32Array<ArrayBuffer> });
    return { tensor: path };
  }
  if (Array.isArray(value)) {
    return value.map((item, i) => split(item, `${path}.${i}`, field, record, tensors));
  }
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [
        key,
        split(item, path === "" ? key : `${path}.${key}`, field || key, record, tensors),
      ]),
    );
  }
  return value as Json;
}

/** Writes a record into a folder. */
export async function writeRecord(
  folder: string,
  record: TrainedRecord,
  provenance: Provenance,
): Promise<void> {
  const tensors: TensorInput[] = [];
  const plain = split(record, "", "", record, tensors);
  await writeSafetensors(`${folder}/${TENSORS_FILE}`, tensors, { metadata: { format: "sdm" } });
  const hashes: Record<string, string> = {};
  using file = await SafetensorsFile.open(`${folder}/${TENSORS_FILE}`);
  for (const name of file.names) hashes[name] = sha256(await file.read(name));
  const content: RecordFile = {
    format: FORMAT,
    version: 1,
    record: plain,
    provenance,
    tensors: hashes,
  };
  await writeJson(`${folder}/${RECORD_FILE}`, content);
}

/** Whether the folder's `sdm.json` is of this layout. */
export async function isRecord(folder: string): Promise<boolean> {
  const value = await readJson(`${folder}/${RECORD_FILE}`, "dictionary") as { format?: unknown };
  return value?.format === FORMAT;
}

/**
 * Reads a record.
 * @throws {SdmError} when it is newer, or when a tensor is missing, changed or not finite
 */
export async function readRecord(
  folder: string,
): Promise<{ record: TrainedRecord; provenance: Provenance }> {
  const path = `${folder}/${RECORD_FILE}`;
  const content = await readJson(path, "dictionary") as RecordFile;
  if (content.version !== 1) {
    throw new SdmError(
      `Cannot load "${path}": its version is ${JSON.stringify(content.version)}, 1 is needed`,
    );
  }
  using file = await SafetensorsFile.open(`${folder}/${TENSORS_FILE}`);
  for (const [name, hash] of Object.entries(content.tensors)) {
    if (file.has(name) && sha256(await file.read(name)) === hash) continue;
    throw new SdmError(
      `Cannot load weights from "${folder}/${TENSORS_FILE}": tensor "${name}" is not the one that ` +
        `"${path}" was written for, the file as it was saved is needed`,
    );
  }
  const record = await join(content.record, file);
  return { record: record as TrainedRecord, provenance: content.provenance };
}

/** Puts the matrices back. */
async function join(value: Json, file: SafetensorsFile): Promise<unknown> {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return await Promise.all(value.map((item) => join(item, file)));
  if (isTensorRef(value)) {
    const data = await file.readFloat32(value.tensor);
    const at = data.findIndex((v) => Number.isNaN(v));
    if (at < 0) return data;
    throw new SdmError(
      `Cannot load weights from "${file.path}": element ${at} of "${value.tensor}" is NaN, ` +
        "numbers are needed",
    );
  }
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) out[key] = await join(item, file);
  return out;
}

function isTensorRef(value: object): value is TensorRef {
  return Object.keys(value).length === 1 && typeof (value as TensorRef).tensor === "string";
}
