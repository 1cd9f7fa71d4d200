/**
 * Who makes and who reads each tensor of a graph, found again after its lists have changed.
 * @module
 */
import type { OnnxField, OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { intField, joinBytes, sizedField } from "./protobuf.ts";

/** The ValueInfoProto of a value: the file's own, or one of the type that is known. */
export function valueBytes(value: OnnxValue): Uint8Array {
  if (value.bytes) return value.bytes;
  const { name, elemType, dims } = value;
  if (!elemType) return sizedField(1, name);
  const shape = dims?.map((dim) =>
    sizedField(1, [typeof dim === "number" ? intField(1, dim) : sizedField(2, dim)])
  );
  const tensor = [intField(1, elemType), ...(shape ? [sizedField(2, shape)] : [])];
  return joinBytes([sizedField(1, name), sizedField(2, [sizedField(1, tensor)])]);
}

/** Numbers the nodes anew and finds again who makes and who reads each tensor, after the lists have changed. */
export function linkModel(model: OnnxModel): void {
  model.producers = new Map();
  model.consumers = new Map();
  // Old files declare weights as inputs too, and must.
  const weights = model.inputs.filter((input) => model.initializers.has(input.name));
  if (weights.length > 0) {
    const fields = weights.map((input): OnnxField => {
      return { number: 11, tensor: input.name, bytes: sizedField(11, valueBytes(input)) };
    });
    model.rest = [...model.rest, ...fields];
    model.inputs = model.inputs.filter((input) => !weights.includes(input));
  }
  for (const [index, node] of model.nodes.entries()) {
    node.index = index;
    for (const name of node.outputs) if (name) model.producers.set(name, node);
    for (const names of [node.inputs, node.captures]) {
      for (const name of names) if (name) addReader(model.consumers, name, node);
    }
  }
}

/** Nodes come one after the other, so that one that reads a tensor twice is the last of its list. */
function addReader(consumers: Map<string, OnnxNode[]>, name: string, node: OnnxNode): void {
  const readers = consumers.get(name);
  if (!readers) consumers.set(name, [node]);
  else if (readers[readers.length - 1] !== node) readers.push(node);
}
