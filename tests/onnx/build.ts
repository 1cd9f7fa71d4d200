/** Small ONNX files by hand, for graphs that no exporter of ours makes. */
import { intField, joinBytes, sizedField } from "../../lib/onnx/protobuf.ts";

type Bytes = Uint8Array;

/** AttributeProto of an integer or of a subgraph's parts. */
export function attribute(name: string, value: number | Bytes[]): Bytes {
  return typeof value === "number"
    ? sizedField(5, [sizedField(1, name), intField(3, value), intField(20, 2)])
    : sizedField(5, [sizedField(1, name), sizedField(6, value), intField(20, 5)]);
}

/** GraphProto field of a node. */
export function node(op: string, inputs: string[], outputs: string[], attributes: Bytes[] = []) {
  return sizedField(1, [
    ...inputs.map((name) => sizedField(1, name)),
    ...outputs.map((name) => sizedField(2, name)),
    sizedField(4, op),
    ...attributes,
  ]);
}

/** GraphProto field of a float weight. */
export function weight(name: string, dims: number[], values: number[]): Bytes {
  const raw = new Uint8Array(Float32Array.from(values).buffer);
  const parts = [...dims.map((dim) => intField(1, dim)), intField(2, 1)];
  return sizedField(5, [...parts, sizedField(8, name), sizedField(9, raw)]);
}

/** GraphProto field of an input (11) or output (12) of element type `type`. */
export function value(
  number: number,
  name: string,
  type?: number,
  dims?: (number | string)[],
): Bytes {
  if (type === undefined) return sizedField(number, [sizedField(1, name)]);
  const shape = dims?.map((dim) =>
    sizedField(1, [typeof dim === "number" ? intField(1, dim) : sizedField(2, dim)])
  );
  const tensor = [intField(1, type), ...(shape ? [sizedField(2, shape)] : [])];
  return sizedField(number, [sizedField(1, name), sizedField(2, [sizedField(1, tensor)])]);
}

/** ModelProto of a graph's fields. */
export function model(graph: Bytes[], more: Bytes[] = []): Uint8Array<ArrayBuffer> {
  const opset = sizedField(8, [intField(2, 18)]);
  return joinBytes([
    intField(1, 8),
    sizedField(7, [...graph, sizedField(2, "main")]),
    opset,
    ...more,
  ]);
}
