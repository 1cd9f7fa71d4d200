/**
 * Weights that are not in a model's own bytes: where they are, and how an ONNX Runtime gets them.
 *
 * Native code maps the files itself, so that weights are in memory once. It takes one folder and refuses files outside; the
 * model that it is given therefore names every file by its real path under the one folder that holds them all, which also
 * serves caches made of symbolic links. Code in WebAssembly opens no files: it is given the bytes that the model needs.
 * @module
 */
import type { InferenceSession } from "onnxruntime-common";
import { SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { HEAD_BYTES, kindOf } from "./file_kind.ts";
import type { OnnxInitializer, OnnxModel, OnnxNode } from "./model.ts";
import { fieldBytes, joinBytes, readFields, sizedField, sizedHeader } from "./protobuf.ts";
import type { ExternalData, OnnxRuntime } from "./providers.ts";
import { readTensorHeader } from "./read.ts";
import { MESSAGE_DEPTH, type MessageKind, MESSAGES } from "./nesting.ts";
import { reference } from "./skim.ts";
import { dataPlace, missingData, readInto } from "./tensors.ts";
import { writeModel } from "./write.ts";

/** A model that is ready for a runtime. */
export interface BoundModel {
  /** The ONNX file, without the large weights. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Folder in which the runtime finds the files that the model names. */
  folder?: string;
  /** Files as bytes, for a runtime that opens none. */
  externalData: ExternalData[];
}

/** Name of the file that holds the weights for a runtime that opens no files. */
const IN_MEMORY = "sdm_weights";
/** Weights in memory start at multiples of this. */
const ALIGNMENT = 64;
/** Memory of a runtime in WebAssembly. */
const MEMORY_LIMIT = 2 ** 32;

/** Where one weight is. */
interface Place {
  tensor: string;
  path: string;
  offset: number;
  length: number;
}

/** Opens a session on a model whose lists may have been changed. */
export async function openSession(
  runtime: OnnxRuntime,
  model: OnnxModel,
): Promise<InferenceSession> {
  const { bytes, folder, externalData } = await bindWeights(model, runtime.provider === "cpu");
  return await runtime.open(bytes, externalData, folder);
}

/**
 * Writes a model so that a runtime finds its weights.
 * @param opensFiles whether the runtime opens files itself
 * @throws SdmError for a data file that is missing, too short or outside the model's folder, and for a model without a path
 */
export async function bindWeights(model: OnnxModel, opensFiles: boolean): Promise<BoundModel> {
  const places: Place[] = [];
  mapExternal(model, (tensor) => {
    places.push({ tensor: tensor.name, ...dataPlace(model, tensor) });
    return tensor.bytes;
  });
  if (places.length === 0) return { bytes: writeModel(model), externalData: [] };
  const files = await lookUp(model, places);
  const folder = opensFiles
    ? commonFolder([...files.values()].map((file) => file.path))
    : undefined;
  if (folder === undefined) return inMemory(model, places);
  const bound = mapExternal(model, (tensor, i) => {
    const { path, offset, length } = places[i];
    const location = files.get(path)!.path.slice(folder.length);
    return withData(tensor, reference(location, offset, length));
  });
  return { bytes: writeModel(bound), folder, externalData: [] };
}

/** Real paths of the data files; what they hold is not looked at. */
async function lookUp(
  model: OnnxModel,
  places: readonly Place[],
): Promise<Map<string, { path: string; size: number }>> {
  const files = new Map<string, { path: string; size: number }>();
  for (const { tensor, path, offset, length } of places) {
    let file = files.get(path);
    if (!file) {
      try {
        file = { path: await Deno.realPath(path), size: (await Deno.stat(path)).size };
      } catch (error) {
        throw missingData(model, path, error);
      }
      files.set(path, file);
    }
    if (offset + length > file.size) {
      const found = await kindOfFile(path) ?? `has ${file.size} bytes`;
      throw new SdmError(
        `Cannot read ONNX model "${model.name}": tensor "${tensor}" ends at byte ${
          offset + length
        } of ` +
          `"${path}", which ${found}`,
        { hint: "the file was not downloaded in full, or is another model's" },
      );
    }
  }
  return files;
}

/** What a file plainly is instead of data, such as a pointer to it. */
async function kindOfFile(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  const head = new Uint8Array(HEAD_BYTES);
  const kind = kindOf(head.subarray(0, await file.read(head) ?? 0));
  return kind && `is ${kind.what}`;
}

/** The deepest folder that holds all files, with its last slash; undefined when there is none, as on two drives. */
function commonFolder(paths: readonly string[]): string | undefined {
  const slash = (path: string) => Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  let folder = paths[0].slice(0, slash(paths[0]) + 1);
  while (folder !== "" && !paths.every((path) => path.startsWith(folder))) {
    folder = folder.slice(0, slash(folder.slice(0, -1)) + 1);
  }
  return folder || undefined;
}

/** The model and one array that holds all it needs of its data files. */
function inMemory(model: OnnxModel, places: readonly Place[]): BoundModel {
  const starts: number[] = [];
  let size = 0;
  for (const { length } of places) {
    starts.push(size);
    size += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  }
  if (size > MEMORY_LIMIT) {
    throw new SdmError(
      `Cannot load ONNX model "${model.name}": what the taps need of its weights is ${
        formatBytes(size)
      }, ` +
        `a runtime in WebAssembly has room for ${formatBytes(MEMORY_LIMIT)}`,
      { hint: "--provider cpu" },
    );
  }
  const data = new Uint8Array(size);
  for (const [i, { path, offset, length }] of places.entries()) {
    readInto(model, path, offset, data.subarray(starts[i], starts[i] + length));
  }
  const bound = mapExternal(model, (tensor, i, inNode) => {
    const { length } = places[i];
    // Of what lies in nodes these runtimes do not find external data.
    if (inNode) {
      return withData(tensor, sizedField(9, data.subarray(starts[i], starts[i] + length)));
    }
    return withData(tensor, reference(IN_MEMORY, starts[i], length));
  });
  return { bytes: writeModel(bound), externalData: [{ path: IN_MEMORY, data }] };
}

/** TensorProto of a weight whose data is elsewhere, with fields in place of those that say where. */
function withData(tensor: OnnxInitializer, fields: Uint8Array): Uint8Array {
  const { bytes } = tensor;
  const kept = readFields(bytes).filter(({ number }) => number !== 13 && number !== 14);
  return joinBytes([...kept.map((field) => bytes.subarray(field.start, field.end)), fields]);
}

/** Gives another TensorProto for one whose data is external; they are numbered as they come. */
type Change = (tensor: OnnxInitializer, index: number, inNode: boolean) => Uint8Array;

/** The model with each TensorProto changed whose data is external, those in nodes and their subgraphs too. */
function mapExternal(model: OnnxModel, change: Change): OnnxModel {
  const initializers = new Map(model.initializers);
  let count = 0;
  for (const [name, tensor] of model.initializers) {
    if (!tensor.external) continue;
    initializers.set(name, { ...tensor, bytes: change(tensor, count++, false) });
  }
  const changeInside = (bytes: Uint8Array): Uint8Array => {
    const tensor = readTensorHeader(bytes);
    return tensor.external ? change(tensor, count++, true) : bytes;
  };
  const nodes = model.nodes.map((node): OnnxNode => {
    const bytes = mapTensors(node.bytes, "node", changeInside, 0);
    return bytes === node.bytes ? node : { ...node, bytes };
  });
  return { ...model, initializers, nodes };
}

/** A message with the tensors inside changed; the message itself when all stay as they are. */
function mapTensors(
  bytes: Uint8Array,
  kind: MessageKind,
  change: (bytes: Uint8Array) => Uint8Array,
  depth: number,
): Uint8Array {
  if (kind === "tensor") return change(bytes);
  if (depth > MESSAGE_DEPTH) return bytes;
  let changed = false;
  const parts = readFields(bytes).flatMap((field) => {
    const inner = field.wire === 2 ? MESSAGES[kind][field.number] : undefined;
    const before = inner && fieldBytes(bytes, field);
    const after = before && mapTensors(before, inner, change, depth + 1);
    if (!after || after === before) return [bytes.subarray(field.start, field.end)];
    changed = true;
    return [sizedHeader(field.number, after.length), after];
  });
  return changed ? joinBytes(parts) : bytes;
}
