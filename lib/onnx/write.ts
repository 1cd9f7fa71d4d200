/**
 * Writes models: from the lists of an {@link OnnxModel}, whose entries are mostly the file's own bytes.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { linkModel, valueBytes } from "./link.ts";
import { ELEM, type OnnxInitializer, type OnnxModel, type OnnxNode } from "./model.ts";
import {
  intField,
  joinBytes,
  putSized,
  type SizedField,
  sizedField,
  sizedHeader,
  sizedSize,
} from "./protobuf.ts";

/** What a new node is made of beside its operator and tensors. */
export interface NodeParts {
  /** Name; default the first output. */
  name?: string;
  /** Operator set; default ONNX's own. */
  domain?: string;
  /** Attribute fields, as {@link intAttribute} makes them or cut out of another node. */
  fields?: readonly Uint8Array[];
}

/** A new node; its place is known once the model is linked. */
export function makeNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  parts: NodeParts = {},
): OnnxNode {
  const { name = outputs[0], domain = "", fields = [] } = parts;
  const bytes = joinBytes([
    ...inputs.map((input) => sizedField(1, input)),
    ...outputs.map((output) => sizedField(2, output)),
    sizedField(3, name),
    sizedField(4, op),
    ...fields,
    ...(domain ? [sizedField(7, domain)] : []),
  ]);
  return {
    index: -1,
    op,
    domain,
    name,
    inputs: [...inputs],
    outputs: [...outputs],
    captures: [],
    bytes,
  };
}

/** NodeProto field of an integer attribute. */
export function intAttribute(name: string, value: number): Uint8Array {
  return sizedField(5, [sizedField(1, name), intField(3, value), intField(20, 2)]);
}

/** NodeProto field of a float attribute. */
export function floatAttribute(name: string, value: number): Uint8Array {
  const bits = new Uint8Array(5);
  bits[0] = 2 * 8 + 5;
  new DataView(bits.buffer).setFloat32(1, value, true);
  return sizedField(5, [sizedField(1, name), bits, intField(20, 1)]);
}

/** A weight that is one INT64 number without axes. */
export function makeInteger(name: string, value: number): OnnxInitializer {
  const raw = new Uint8Array(8);
  new DataView(raw.buffer).setBigInt64(0, BigInt(value), true);
  const bytes = joinBytes([intField(2, ELEM.INT64), sizedField(8, name), sizedField(9, raw)]);
  return { name, dims: [], elemType: ELEM.INT64, bytes };
}

/** Lists of a graph that a change may replace. */
export type GraphChanges = Partial<
  Pick<OnnxModel, "nodes" | "initializers" | "inputs" | "outputs" | "values" | "rest">
>;

/** A model with some lists of its graph replaced; `model` itself stays as it is, its nodes get numbers of their own. */
export function changeModel(model: OnnxModel, changes: GraphChanges): OnnxModel {
  const changed: OnnxModel = { ...model, ...changes };
  // Both models number their nodes.
  changed.nodes = changed.nodes.map((node) => ({ ...node }));
  linkModel(changed);
  return changed;
}

/** A protobuf message is no longer than this. */
const MESSAGE_LIMIT = 2 ** 31 - 1;

/**
 * The model as a file. What came from a file is copied byte for byte.
 * @throws SdmError for one of 2 GiB and more, which protobuf does not have
 */
export function writeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const fields: SizedField[] = model.nodes.map((node) => [1, node.bytes]);
  for (const tensor of model.initializers.values()) fields.push([5, tensor.bytes]);
  for (const input of model.inputs) fields.push([11, valueBytes(input)]);
  for (const output of model.outputs) fields.push([12, valueBytes(output)]);
  const declared = new Set([...model.inputs, ...model.outputs].map((value) => value.name));
  for (const value of model.values.values()) {
    if (!declared.has(value.name)) fields.push([13, valueBytes(value)]);
  }
  const rest = model.rest.map((field) => field.bytes);
  const restSize = rest.reduce((sum, part) => sum + part.length, 0);
  const graphSize = sizedSize(fields) + restSize;
  const head = [...model.outer, sizedHeader(7, graphSize)];
  const size = head.reduce((sum, part) => sum + part.length, graphSize);
  if (size > MESSAGE_LIMIT) {
    throw new SdmError(
      `Cannot write ONNX model "${model.name}": it is ${formatBytes(size)} with its weights, ` +
        `a model of 2 GiB and more needs them in a file of their own`,
    );
  }
  const out = new Uint8Array(size);
  const put = (at: number, part: Uint8Array): number => {
    out.set(part, at);
    return at + part.length;
  };
  rest.reduce(put, putSized(out, head.reduce(put, 0), fields));
  return out;
}
