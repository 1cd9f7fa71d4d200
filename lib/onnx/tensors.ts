/**
 * Values inside a model file: attributes of nodes and the numbers of weights.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { fromBf16 } from "../base/half.ts";
import { ELEM, type OnnxInitializer, type OnnxModel, type OnnxNode } from "./model.ts";
import { readPair, readTensorHeader } from "./read.ts";
import {
  fieldBigInts,
  fieldBytes,
  fieldInt,
  fieldMessage,
  fieldText,
  joinBytes,
  readFields,
} from "./protobuf.ts";

/** The value of a node's attribute, in the kinds that the resolver asks for. */
export interface OnnxAttribute {
  /** Integer, or the first of several. */
  int?: number;
  /** Several integers. */
  ints?: number[];
  /** Float. */
  float?: number;
  /** Tensor. */
  tensor?: OnnxInitializer;
}

/** The attribute `name` of `node`, or undefined when it has none. */
export function attributeOf(node: OnnxNode, name: string): OnnxAttribute | undefined {
  const { bytes } = node;
  for (const field of readFields(bytes)) {
    if (field.number !== 5) continue;
    const parts = fieldMessage(bytes, field);
    const label = parts.find((part) => part.number === 1);
    if (!label || fieldText(bytes, label) !== name) continue;
    const attribute: OnnxAttribute = {};
    for (const part of parts) {
      if (part.number === 3) attribute.int = fieldInt(bytes, part);
      else if (part.number === 5) attribute.tensor = readTensorHeader(fieldBytes(bytes, part));
      else if (part.number === 2) attribute.float = viewOf(bytes).getFloat32(part.data, true);
      else if (part.number === 8) {
        attribute.ints = [...attribute.ints ?? [], ...fieldBigInts(bytes, part).map(Number)];
        attribute.int ??= attribute.ints[0];
      }
    }
    return attribute;
  }
  return undefined;
}

/** Notes of a node by key: its `metadata_props`, such as the scopes that the dynamo exporter writes. */
export function nodeMetadata(node: OnnxNode): Map<string, string> {
  const { bytes } = node;
  const notes = readFields(bytes).filter((field) => field.number === 9);
  return new Map(notes.map((field) => readPair(bytes, field)));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Number of elements. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** The integers of a small tensor (INT64 or INT32, inside the file), or undefined for another kind. */
export function tensorInts(tensor: OnnxInitializer): number[] | undefined {
  const wide = tensor.elemType === ELEM.INT64;
  if (tensor.external || (!wide && tensor.elemType !== ELEM.INT32)) return undefined;
  const values: number[] = [];
  for (const field of readFields(tensor.bytes)) {
    if (field.number === (wide ? 7 : 5)) {
      for (const value of fieldBigInts(tensor.bytes, field)) values.push(Number(value));
    } else if (field.number === 9) {
      const view = viewOf(fieldBytes(tensor.bytes, field));
      const width = wide ? 8 : 4;
      for (let at = 0; at + width <= view.byteLength; at += width) {
        values.push(wide ? Number(view.getBigInt64(at, true)) : view.getInt32(at, true));
      }
    }
  }
  return values;
}

/**
 * The numbers of a float weight (float32, float16, bfloat16 or float64) as float32, in file order.
 * Undefined for other element types.
 * @throws SdmError when external data is missing or the data is shorter than the shape says
 */
export function tensorFloats(
  model: OnnxModel,
  tensor: OnnxInitializer,
): Float32Array<ArrayBuffer> | undefined {
  const widths: Record<number, number> = {
    [ELEM.FLOAT]: 4,
    [ELEM.FLOAT16]: 2,
    [ELEM.BFLOAT16]: 2,
    [ELEM.DOUBLE]: 8,
  };
  const width = widths[tensor.elemType];
  if (width === undefined) return undefined;
  const size = sizeOf(tensor.dims);
  const raw = rawData(model, tensor) ?? typedData(tensor);
  if (raw.length !== size * width) throw short(model, tensor, raw.length, size * width);
  // A copy starts where arrays of numbers may start.
  const buffer = new Uint8Array(raw).buffer;
  switch (tensor.elemType) {
    case ELEM.FLOAT:
      return new Float32Array(buffer);
    case ELEM.DOUBLE:
      return new Float32Array(new Float64Array(buffer));
    case ELEM.FLOAT16:
      return new Float32Array(new Float16Array(buffer));
  }
  const out = new Float32Array(size);
  fromBf16(new Uint16Array(buffer), out);
  return out;
}

function short(model: OnnxModel, tensor: OnnxInitializer, found: number, needed: number): SdmError {
  return new SdmError(
    `Cannot read tensor "${tensor.name}" of "${model.name}": ` +
      `found ${found} bytes, its shape [${tensor.dims.join(", ")}] needs ${needed}`,
  );
}

/** raw_data, or the bytes of the external file; undefined when the data is in a typed list. */
function rawData(
  model: OnnxModel,
  tensor: OnnxInitializer,
): Uint8Array | undefined {
  if (tensor.external) {
    const { path, offset, length } = dataPlace(model, tensor);
    return readRange(model, path, offset, length);
  }
  const field = readFields(tensor.bytes).find((f) => f.number === 9);
  return field && fieldBytes(tensor.bytes, field);
}

/** float_data, double_data or the 16-bit patterns of int32_data as little-endian bytes. */
function typedData(tensor: OnnxInitializer): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of readFields(tensor.bytes)) {
    if (field.number === 4 || field.number === 10) {
      parts.push(tensor.bytes.subarray(field.data, field.end));
    } else if (field.number === 5) {
      const bits = Uint16Array.from(fieldBigInts(tensor.bytes, field), Number);
      parts.push(new Uint8Array(bits.buffer));
    }
  }
  return joinBytes(parts);
}

/** Bits of an element, by the number of its type from 0 to 26; text has none. */
const BITS = [
  ...[0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64],
  ...[64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 8, 2, 2],
];

/** Bytes that a tensor's numbers take as raw data, or undefined for text and types that are not known. */
export function dataBytes(tensor: OnnxInitializer): number | undefined {
  const bits = BITS[tensor.elemType];
  return !bits ? undefined : Math.ceil(sizeOf(tensor.dims) * bits / 8);
}

/**
 * Path of an external data file beside the model.
 * @throws SdmError for a model without a path and for a location outside the model's folder
 */
function externalPath(model: OnnxModel, location: string): string {
  const doing = `Cannot read external data "${location}" of "${model.name}"`;
  if (model.path === undefined) {
    throw new SdmError(`${doing}: the model was given as bytes, its path is needed`);
  }
  if (/^([\\/]|[A-Za-z]:)/.test(location) || location.split(/[\\/]/).includes("..")) {
    throw new SdmError(`${doing}: the file lies outside, one in the model's folder is needed`);
  }
  return model.path.replace(/[^\\/]*$/, "") + location;
}

/**
 * Where the data of a weight lies that is in another file.
 * @throws SdmError when the model does not say it, or names a file outside its folder
 */
export function dataPlace(
  model: OnnxModel,
  tensor: OnnxInitializer,
): { path: string; offset: number; length: number } {
  const { location, offset, length = dataBytes(tensor) ?? NaN } = tensor.external!;
  const path = externalPath(model, location);
  if (!(offset >= 0 && length >= 0 && Number.isSafeInteger(offset + length))) {
    throw new SdmError(
      `Cannot read ONNX model "${model.name}": tensor "${tensor.name}" is ${length} bytes at byte ${offset} of ` +
        `"${location}", whole numbers from 0 on are needed`,
    );
  }
  return { path, offset, length };
}

/** The error for a data file that cannot be opened. */
export function missingData(model: OnnxModel, path: string, cause: unknown): SdmError {
  const found = cause instanceof Deno.errors.NotFound ? "there is no" : "it cannot open the";
  return new SdmError(
    `Cannot read ONNX model "${model.name}": ${found} file "${path}", ` +
      `the model keeps its weights in it`,
    { cause },
  );
}

/** Bytes of a data file from `offset` on; fewer than `length` when the file ends before. */
function readRange(model: OnnxModel, path: string, offset: number, length: number): Uint8Array {
  let size: number;
  try {
    size = Deno.statSync(path).size;
  } catch (error) {
    throw missingData(model, path, error);
  }
  // What a file declares may be any number; what it has is not.
  const there = Math.max(0, Math.min(length, size - offset));
  return readInto(model, path, offset, new Uint8Array(there));
}

/** Fills `out` with the bytes of a data file from `offset` on; the part that there was. */
export function readInto(
  model: OnnxModel,
  path: string,
  offset: number,
  out: Uint8Array,
): Uint8Array {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    throw missingData(model, path, error);
  }
  try {
    file.seekSync(offset, Deno.SeekMode.Start);
    let at = 0;
    while (at < out.length) {
      const got = file.readSync(out.subarray(at));
      if (got === null) return out.subarray(0, at);
      at += got;
    }
    return out;
  } finally {
    file.close();
  }
}
