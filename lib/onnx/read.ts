/**
 * A shallow reading of an ONNX model: names, types and byte ranges. Tensor data stays where it is.
 * Field numbers: onnx.proto of onnx/onnx.
 * @module
 */
import { damaged, HEAD_BYTES, refuseOthers } from "./file_kind.ts";
import {
  checkBigInts,
  fieldBigInts,
  fieldBytes,
  fieldInt,
  fieldMessage,
  fieldText,
  readFields,
  WireError,
  type WireField,
} from "./protobuf.ts";
import { MESSAGE_DEPTH } from "./nesting.ts";
import { linkModel } from "./link.ts";
import type { OnnxField, OnnxInitializer, OnnxModel, OnnxNode, OnnxValue } from "./model.ts";

/** Reads `TensorProto` up to, but not including, its data. */
export function readTensorHeader(bytes: Uint8Array): OnnxInitializer {
  const tensor: OnnxInitializer = { name: "", dims: [], elemType: 0, bytes };
  const external = new Map<string, string>();
  for (const field of readFields(bytes)) {
    if (field.number === 1) tensor.dims.push(...fieldBigInts(bytes, field).map(Number));
    else if (field.number === 2) tensor.elemType = fieldInt(bytes, field);
    else if (field.number === 8) tensor.name = fieldText(bytes, field);
    else if (field.number === 5 || field.number === 7) checkBigInts(bytes, field);
    else if (field.number === 9) checkWire(field, 2);
    else if (field.number === 13) external.set(...readPair(bytes, field));
  }
  const location = external.get("location");
  if (location !== undefined) {
    tensor.external = { location, offset: Number(external.get("offset") ?? 0) };
    if (external.has("length")) tensor.external.length = Number(external.get("length"));
  }
  return tensor;
}

/** Reads a `StringStringEntryProto`. */
export function readPair(bytes: Uint8Array, field: WireField): [string, string] {
  let key = "", value = "";
  for (const part of fieldMessage(bytes, field)) {
    if (part.number === 1) key = fieldText(bytes, part);
    else if (part.number === 2) value = fieldText(bytes, part);
  }
  return [key, value];
}

/** Reads a `ValueInfoProto`; sequences, maps and the like keep their name only. */
function readValue(bytes: Uint8Array): OnnxValue {
  const value: OnnxValue = { name: "", bytes };
  for (const field of readFields(bytes)) {
    if (field.number === 1) value.name = fieldText(bytes, field);
    if (field.number !== 2) continue;
    for (const type of fieldMessage(bytes, field)) {
      if (type.number !== 1) continue;
      for (const part of fieldMessage(bytes, type)) {
        if (part.number === 1) value.elemType = fieldInt(bytes, part);
        else if (part.number === 2) value.dims = readShape(bytes, part);
      }
    }
  }
  return value;
}

function readShape(bytes: Uint8Array, shape: WireField): (number | string)[] {
  return fieldMessage(bytes, shape).filter((f) => f.number === 1).map((dim) => {
    for (const part of fieldMessage(bytes, dim)) {
      if (part.number === 1) return fieldInt(bytes, part);
      if (part.number === 2) return fieldText(bytes, part);
    }
    return "?";
  });
}

/** Reads a `NodeProto`; of its attributes only what subgraphs capture. */
function readNode(bytes: Uint8Array, index: number, depth = 0): OnnxNode {
  const node: OnnxNode = {
    index,
    op: "",
    domain: "",
    name: "",
    inputs: [],
    outputs: [],
    captures: [],
    bytes,
  };
  const captures = new Set<string>();
  for (const field of readFields(bytes)) {
    if (field.number === 1) node.inputs.push(fieldText(bytes, field));
    else if (field.number === 2) node.outputs.push(fieldText(bytes, field));
    else if (field.number === 3) node.name = fieldText(bytes, field);
    else if (field.number === 4) node.op = fieldText(bytes, field);
    else if (field.number === 7) node.domain = fieldText(bytes, field);
    else if (field.number === 9) readPair(bytes, field);
    else if (field.number === 5) {
      for (const name of readAttribute(bytes, field, depth)) captures.add(name);
    }
  }
  node.captures = [...captures];
  return node;
}

/** What the subgraphs of an attribute capture; what else it holds is looked at once, so that it can be read later. */
function readAttribute(bytes: Uint8Array, field: WireField, depth: number): Set<string> {
  const captures = new Set<string>();
  for (const part of fieldMessage(bytes, field)) {
    const { number } = part;
    if (number === 1) fieldBytes(bytes, part);
    else if (number === 2) checkWire(part, 5);
    else if (number === 3) checkWire(part, 0);
    else if (number === 8) fieldBigInts(bytes, part);
    else if (number === 5) readTensorHeader(fieldBytes(bytes, part));
    else if (number === 6 || number === 11) {
      for (const name of capturesOf(fieldBytes(bytes, part), depth + 1)) captures.add(name);
    }
  }
  return captures;
}

function checkWire(field: WireField, wire: number): void {
  if (field.wire === wire) return;
  throw new WireError(`byte ${field.start} has wire type ${field.wire} in place of ${wire}`);
}

/** Names that a subgraph uses and does not define. */
function capturesOf(graph: Uint8Array, depth: number): Set<string> {
  if (depth > MESSAGE_DEPTH) {
    throw new WireError(`its subgraphs lie more than ${MESSAGE_DEPTH} deep in each other`);
  }
  const used = new Set<string>(), made = new Set<string>();
  for (const field of readFields(graph)) {
    if (field.number === 1) {
      const node = readNode(fieldBytes(graph, field), 0, depth);
      for (const name of [...node.inputs, ...node.captures]) if (name) used.add(name);
      for (const name of node.outputs) made.add(name);
    } else if (field.number === 5) made.add(readTensorHeader(fieldBytes(graph, field)).name);
    else if (field.number === 11) made.add(readValue(fieldBytes(graph, field)).name);
    else if (field.number === 12) used.add(readValue(fieldBytes(graph, field)).name);
    else if (field.number === 15) made.add(sparseName(fieldBytes(graph, field)));
  }
  for (const name of made) used.delete(name);
  return used;
}

/** Name of a `SparseTensorProto`: that of its values. */
function sparseName(bytes: Uint8Array): string {
  for (const field of readFields(bytes)) {
    if (field.number === 1) return readTensorHeader(fieldBytes(bytes, field)).name;
  }
  return "";
}

/**
 * Reads a model as the file has it.
 * @param bytes the file; kept, not copied
 * @param name what error messages call it
 * @throws SdmError when the bytes are not a whole ONNX model
 */
export function readModel(bytes: Uint8Array, name: string, path?: string): OnnxModel {
  refuseOthers(bytes.subarray(0, HEAD_BYTES), name);
  const model = emptyModel(bytes, name, path);
  try {
    readInto(model);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw damaged(name, bytes.length, error);
  }
  if (model.nodes.length === 0 || Object.keys(model.opsets).length === 0) {
    const missing = model.nodes.length === 0 ? "graph" : "operator set version";
    throw damaged(name, bytes.length, new WireError(`there is no ${missing} in it`));
  }
  linkModel(model);
  return model;
}

function emptyModel(bytes: Uint8Array, name: string, path?: string): OnnxModel {
  return {
    name,
    path,
    bytes,
    outer: [],
    rest: [],
    producer: "",
    opsets: {},
    metadata: {},
    nodes: [],
    initializers: new Map(),
    inputs: [],
    outputs: [],
    values: new Map(),
    producers: new Map(),
    consumers: new Map(),
  };
}

/** Reads a subgraph: lists of the graph only, those of a model stay empty. */
export function readGraph(bytes: Uint8Array, name: string): OnnxModel {
  const model = emptyModel(bytes, name);
  addGraph(model, bytes);
  linkModel(model);
  return model;
}

function readInto(model: OnnxModel): void {
  const { bytes } = model;
  const producer: string[] = [];
  for (const field of readFields(bytes)) {
    if (field.number !== 7) model.outer.push(bytes.subarray(field.start, field.end));
    if (field.number === 2 || field.number === 3) producer.push(fieldText(bytes, field));
    else if (field.number === 7) addGraph(model, fieldBytes(bytes, field));
    else if (field.number === 14) Object.assign(model.metadata, entry(readPair(bytes, field)));
    else if (field.number === 8) {
      let domain = "", version = 0;
      for (const part of fieldMessage(bytes, field)) {
        if (part.number === 1) domain = fieldText(bytes, part);
        else if (part.number === 2) version = fieldInt(bytes, part);
      }
      model.opsets[domain === "ai.onnx" ? "" : domain] = version;
    }
  }
  model.producer = producer.join(" ");
}

function entry([key, value]: [string, string]): Record<string, string> {
  return { [key]: value };
}

/** Adds one occurrence of the graph; protobuf merges several, which is how taps may have been appended. */
function addGraph(model: OnnxModel, graph: Uint8Array): void {
  for (const field of readFields(graph)) {
    const { number } = field;
    if (number === 1) model.nodes.push(readNode(fieldBytes(graph, field), model.nodes.length));
    else if (number === 5) {
      const tensor = readTensorHeader(fieldBytes(graph, field));
      model.initializers.set(tensor.name, tensor);
    } else if (number >= 11 && number <= 13) {
      const value = readValue(fieldBytes(graph, field));
      model.values.set(value.name, value);
      if (number === 11) model.inputs.push(value);
      else if (number === 12) model.outputs.push(value);
    } else model.rest.push(readOther(graph, field));
  }
}

/** A field of the graph that is only carried along. */
function readOther(graph: Uint8Array, field: WireField): OnnxField {
  const other: OnnxField = {
    number: field.number,
    bytes: graph.subarray(field.start, field.end),
  };
  if (field.number === 14) other.tensor = firstText(fieldBytes(graph, field));
  else if (field.number === 15) other.tensor = sparseName(fieldBytes(graph, field));
  return other;
}

function firstText(message: Uint8Array): string {
  const field = readFields(message).find((part) => part.number === 1);
  return field ? fieldText(message, field) : "";
}
