/**
 * Rewriting a model so that it computes chosen tensors and nothing else.
 *
 * The nodes and weights that stay are the file's own bytes; only the list of them changes.
 * @module
 */
import { didYouMean } from "../base/nearest.ts";
import { SdmError } from "../base/errors.ts";
import { readTensorHeader, readValue, sparseName } from "./graph.ts";
import { elemTypeOf } from "./infer.ts";
import { ELEM, type OnnxModel, type OnnxNode } from "./model.ts";
import {
  fieldBytes,
  fieldText,
  intField,
  joinBytes,
  readFields,
  sizedField,
  sizedHeader,
} from "./protobuf.ts";

/** A rewritten model. */
export interface TappedModel {
  /** The ONNX file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Output that carries each asked tensor, in the order asked. */
  outputs: string[];
  /** Names of the declared inputs that are still needed. */
  inputs: string[];
}

/** What stays when only `tensors` are wanted: names of tensors that are needed, and the nodes that make them. */
export function reachable(
  model: OnnxModel,
  tensors: readonly string[],
): { names: Set<string>; nodes: Set<OnnxNode> } {
  const names = new Set<string>(), nodes = new Set<OnnxNode>();
  const todo = [...tensors];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || names.has(name)) continue;
    names.add(name);
    const node = model.producers.get(name);
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    todo.push(...node.inputs, ...node.captures);
  }
  return { names, nodes };
}

/** Every tensor that can be an output: those made by nodes, declared inputs and weights. */
export function tensorNames(model: OnnxModel): string[] {
  return [
    ...model.producers.keys(),
    ...model.inputs.map((input) => input.name),
    ...model.initializers.keys(),
  ];
}

/**
 * A model whose outputs are `tensors`, as float32: what is not FLOAT already gets a Cast behind it.
 * @throws SdmError for a name that the graph does not have, and for text tensors
 */
export function tapOutputs(model: OnnxModel, tensors: readonly string[]): TappedModel {
  const known = tensorNames(model), knownSet = new Set(known);
  const unique = [...new Set(tensors)];
  const casts: Uint8Array[] = [], declared: Uint8Array[] = [];
  const outputOf = new Map<string, string>();
  for (const tensor of unique) {
    if (!knownSet.has(tensor)) {
      const hint = didYouMean(tensor, known);
      throw new SdmError(
        `Cannot tap "${tensor}": model "${model.name}" has no tensor of that name` +
          (hint ? `, ${hint}` : ", a tensor of its graph is needed"),
      );
    }
    const type = elemTypeOf(model, tensor);
    if (type === ELEM.STRING) {
      throw new SdmError(`Cannot tap "${tensor}": it holds text, a tensor of numbers is needed`);
    }
    let output = tensor;
    if (type !== ELEM.FLOAT || !model.producers.has(tensor)) {
      // Half precision has no array type in some runtimes and bfloat16 in none; an unknown type may be either.
      output = `${tensor}/sdm_float32`;
      casts.push(sizedField(1, castNode(tensor, output)));
    }
    outputOf.set(tensor, output);
    declared.push(sizedField(12, floatValue(output)));
  }
  const kept = reachable(model, unique);
  return {
    bytes: rewrite(model, kept, [...casts, ...declared]),
    outputs: tensors.map((tensor) => outputOf.get(tensor)!),
    inputs: model.inputs.map((input) => input.name).filter((name) => kept.names.has(name)),
  };
}

/** The bytes of {@link tapOutputs}. */
export function tapModel(model: OnnxModel, tensors: readonly string[]): Uint8Array<ArrayBuffer> {
  return tapOutputs(model, tensors).bytes;
}

/** NodeProto of `output = Cast(input, to = FLOAT)`. */
function castNode(input: string, output: string): Uint8Array[] {
  const to = [sizedField(1, "to"), intField(3, ELEM.FLOAT), intField(20, 2)];
  return [
    sizedField(1, input),
    sizedField(2, output),
    sizedField(3, output),
    sizedField(4, "Cast"),
    sizedField(5, to),
  ];
}

/** ValueInfoProto of a float tensor of any shape. */
function floatValue(name: string): Uint8Array[] {
  const type = sizedField(1, intField(1, ELEM.FLOAT));
  return [sizedField(1, name), sizedField(2, type)];
}

/** The model with only `kept` in its graph, old outputs dropped and `added` graph fields behind. */
function rewrite(
  model: OnnxModel,
  kept: { names: Set<string>; nodes: Set<OnnxNode> },
  added: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const { bytes } = model;
  const outer: Uint8Array[] = [], graph: Uint8Array[] = [];
  let nodeIndex = 0;
  for (const field of readFields(bytes)) {
    if (field.number !== 7) {
      outer.push(bytes.subarray(field.start, field.end));
      continue;
    }
    const body = fieldBytes(bytes, field);
    for (const part of readFields(body)) {
      const node = part.number === 1 ? model.nodes[nodeIndex++] : undefined;
      const stays = node ? kept.nodes.has(node) : staysInGraph(part.number, kept.names, () => {
        return fieldBytes(body, part);
      });
      if (stays) graph.push(body.subarray(part.start, part.end));
    }
  }
  const parts = [...graph, ...added];
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return joinBytes([...outer, sizedHeader(7, size), ...parts]);
}

function staysInGraph(number: number, names: Set<string>, payload: () => Uint8Array): boolean {
  if (number === 5) return names.has(readTensorHeader(payload()).name);
  if (number === 11 || number === 13) return names.has(readValue(payload()).name);
  if (number === 12) return false;
  if (number === 14) return names.has(firstText(payload()));
  if (number === 15) return names.has(sparseName(payload()));
  return true;
}

function firstText(message: Uint8Array): string {
  const field = readFields(message).find((part) => part.number === 1);
  return field ? fieldText(message, field) : "";
}
