/**
 * What a graph tells about a tensor: what it is behind casts and reshapes, its element type, its width, its numbers.
 * @module
 */
import { ELEM, type OnnxInitializer, type OnnxModel, type OnnxNode } from "./model.ts";
import { isConstant } from "./order.ts";
import { factsOf } from "./shapes.ts";
import { attributeOf } from "./tensors.ts";

/** Operators whose output is their first input, or that in another type. */
const NO_OPS = new Set(["Identity", "Cast", "Dropout"]);

/** The tensor behind no-op casts, identities, drop-outs, and quantisations that are undone at once. */
export function strip(model: OnnxModel, tensor: string): string {
  const seen = new Set<string>();
  for (let name = tensor;;) {
    seen.add(name);
    const inner = behindNoOp(model, name);
    if (inner === undefined || seen.has(inner)) return name;
    name = inner;
  }
}

function behindNoOp(model: OnnxModel, tensor: string): string | undefined {
  const node = model.producers.get(tensor);
  if (!node || node.outputs[0] !== tensor) return undefined;
  if (NO_OPS.has(node.op)) return node.inputs[0];
  if (node.op !== "DequantizeLinear") return undefined;
  const source = node.inputs[0], maker = model.producers.get(source);
  if (maker?.op === "QuantizeLinear") return maker.inputs[0];
  // A row that was looked up in a quantised table is no stream before it is a float again.
  return isConstant(model, source) ? source : undefined;
}

/** Like {@link strip}, and behind reshapes too. */
export function stripShape(model: OnnxModel, tensor: string): string {
  const seen = new Set<string>();
  for (let name = tensor;;) {
    name = strip(model, name);
    const node = model.producers.get(name);
    const shaped = node?.op === "Reshape" || node?.op === "Flatten";
    if (!node || !shaped || seen.has(name)) return name;
    seen.add(name);
    name = node.inputs[0];
  }
}

/** Like {@link strip}, and behind reshapes that leave the last axis alone: the same rows, differently stacked. */
export function stripRows(model: OnnxModel, tensor: string): string {
  const seen = new Set<string>();
  for (let name = tensor;;) {
    name = strip(model, name);
    const node = model.producers.get(name);
    const width = widthOf(model, name);
    const reshaped = node?.op === "Reshape" || node?.op === "Flatten";
    if (!node || !reshaped || seen.has(name) || width === undefined) return name;
    if (widthOf(model, node.inputs[0]) !== width) return name;
    seen.add(name);
    name = node.inputs[0];
  }
}

/** The weight that a tensor is behind casts and de-quantisation, in the file or in a `Constant`. */
export function weightOf(model: OnnxModel, tensor: string): OnnxInitializer | undefined {
  const name = strip(model, tensor);
  const held = model.initializers.get(name);
  if (held) return held;
  const node = model.producers.get(name);
  return node?.op === "Constant" ? attributeOf(node, "value")?.tensor : undefined;
}

/** Element type of a tensor, or undefined when the graph does not tell. */
export function elemTypeOf(model: OnnxModel, tensor: string): number | undefined {
  return factsOf(model, tensor).elemType || undefined;
}

/** Size of the last axis, or undefined when the graph does not tell. */
export function widthOf(model: OnnxModel, tensor: string): number | undefined {
  const last = factsOf(model, tensor).dims?.at(-1);
  return typeof last === "number" && last > 0 ? last : undefined;
}

/**
 * The integers of a small constant tensor; NaN where a number is not known.
 */
export function constantInts(model: OnnxModel, tensor: string): number[] | undefined {
  return factsOf(model, tensor).ints?.map((value) => typeof value === "number" ? value : NaN);
}

/** Name of an element type as people write it. */
export function elemName(elemType: number | undefined): string {
  const names: Record<number, string> = {
    [ELEM.FLOAT]: "float32",
    [ELEM.FLOAT16]: "float16",
    [ELEM.BFLOAT16]: "bfloat16",
    [ELEM.DOUBLE]: "float64",
    [ELEM.INT64]: "int64",
    [ELEM.INT32]: "int32",
    [ELEM.INT8]: "int8",
    [ELEM.UINT8]: "uint8",
    [ELEM.BOOL]: "bool",
    [ELEM.STRING]: "string",
  };
  return names[elemType ?? 0] ?? "?";
}

/** How people point at a node: its operator, and its name when it has one. */
export function nodeTitle(node: OnnxNode): string {
  return node.name ? `${node.op} "${node.name}"` : node.op;
}
