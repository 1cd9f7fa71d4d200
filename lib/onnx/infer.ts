/**
 * What a graph tells about a tensor when the file declares nothing: element type, width, small constants.
 * @module
 */
import { ELEM, type OnnxModel, type OnnxNode } from "./model.ts";
import { attributeOf, tensorInts } from "./tensors.ts";

/** Operators whose output is their first input, seen differently or cast. */
const NO_OPS = new Set(["Identity", "Cast", "Dropout"]);
/** Operators that keep the element type of their first input. */
const SAME_TYPE = new Set(
  ("Identity Dropout Add Sub Mul Div Pow Sqrt Neg Reciprocal Tanh Erf Sigmoid Relu Gelu Softmax Softplus " +
    "MatMul Gemm Reshape Transpose Unsqueeze Squeeze Concat Split Slice Flatten Expand Gather " +
    "ReduceMean ReduceSum ReduceMax LayerNormalization RMSNormalization SimplifiedLayerNormalization " +
    "QuickGelu FastGelu BiasGelu Clip Min Max").split(" "),
);
/** Operators whose output is as wide as their data input. */
const SAME_WIDTH = new Set(
  "Tanh Erf Sigmoid Relu Gelu FastGelu QuickGelu BiasGelu Softmax Sqrt Neg Clip Unsqueeze".split(
    " ",
  ),
);
const ELEMENTWISE = new Set(["Add", "Sub", "Mul", "Div", "Pow"]);
/** Operators all of whose inputs have one element type. */
const TWO_SIDED = new Set(["Add", "Sub", "Mul", "Div", "MatMul", "Gemm"]);

/** The tensor behind no-op casts, identities and drop-outs. */
export function strip(model: OnnxModel, tensor: string): string {
  for (let name = tensor;;) {
    const node = model.producers.get(name);
    if (!node || !NO_OPS.has(node.op) || node.outputs[0] !== name) return name;
    name = node.inputs[0];
  }
}

/** Like {@link strip}, and behind reshapes too. */
export function stripShape(model: OnnxModel, tensor: string): string {
  for (let name = tensor;;) {
    name = strip(model, name);
    const node = model.producers.get(name);
    if (!node || (node.op !== "Reshape" && node.op !== "Flatten")) return name;
    name = node.inputs[0];
  }
}

/** Operands with weights first: they answer at once where another path may be the whole model. */
function easiestFirst(model: OnnxModel, names: readonly string[]): string[] {
  const rank = (name: string) => model.initializers.has(name) ? 0 : 1;
  return names.filter((name) => name !== "").sort((a, b) => rank(a) - rank(b));
}

/** Element type of a tensor, or undefined when the graph does not tell. */
export function elemTypeOf(
  model: OnnxModel,
  tensor: string,
  seen: Set<string> = new Set(),
): number | undefined {
  const declared = model.values.get(tensor)?.elemType ?? model.initializers.get(tensor)?.elemType;
  const node = model.producers.get(tensor);
  if (declared || !node || seen.has(tensor) || seen.size > 1000) return declared || undefined;
  seen.add(tensor);
  if (node.op === "Cast") return attributeOf(node, "to")?.int;
  if (node.op === "Constant") return attributeOf(node, "value")?.tensor?.elemType;
  if (node.op === "Shape" || node.op === "Size") return ELEM.INT64;
  if (!SAME_TYPE.has(node.op)) return undefined;
  const operands = TWO_SIDED.has(node.op) ? easiestFirst(model, node.inputs) : [node.inputs[0]];
  for (const input of operands) {
    const found = elemTypeOf(model, input, seen);
    if (found) return found;
  }
  return undefined;
}

/** Size of the last axis, or undefined when the graph does not tell. */
export function widthOf(
  model: OnnxModel,
  tensor: string,
  seen: Set<string> = new Set(),
): number | undefined {
  const dims = model.initializers.get(tensor)?.dims ?? model.values.get(tensor)?.dims;
  const last = dims?.at(-1);
  if (typeof last === "number" && last > 0) return last;
  const node = model.producers.get(tensor);
  if (!node || seen.has(tensor) || seen.size > 1000) return undefined;
  seen.add(tensor);
  const next = (name: string) => widthOf(model, name, seen);
  switch (node.op) {
    case "MatMul":
    case "Gather":
      return next(node.inputs[node.op === "MatMul" ? 1 : 0]);
    case "Gemm": {
      const weight = model.initializers.get(node.inputs[1]);
      return weight?.dims[attributeOf(node, "transB")?.int ? 0 : 1];
    }
    case "Transpose":
      return transposedWidth(model, node);
    case "Reshape": {
      const shape = constantInts(model, node.inputs[1]);
      const wanted = shape?.at(-1);
      return wanted !== undefined && wanted > 0 ? wanted : undefined;
    }
    case "Constant":
      return attributeOf(node, "value")?.tensor?.dims.at(-1);
    case "LayerNormalization":
    case "RMSNormalization":
    case "SimplifiedLayerNormalization":
      return next(node.inputs[1]) ?? next(node.inputs[0]);
  }
  if (ELEMENTWISE.has(node.op)) {
    // Broadcasting stretches an axis of size 1 only, so any operand that is wider tells.
    for (const name of easiestFirst(model, node.inputs)) {
      const width = next(name);
      if (width !== undefined && width > 1) return width;
    }
    return undefined;
  }
  return NO_OPS.has(node.op) || SAME_WIDTH.has(node.op) ? next(node.inputs[0]) : undefined;
}

/** Width behind a transpose of a matrix that the file holds. */
function transposedWidth(model: OnnxModel, node: OnnxNode): number | undefined {
  const dims = model.initializers.get(strip(model, node.inputs[0]))?.dims;
  return dims?.length === 2 ? dims[0] : undefined;
}

/**
 * The integers of a small constant tensor, following `Constant`, `Concat`, `Cast` and `(Un)squeeze`.
 * A part of a `Concat` that is not known gives NaN in its place.
 */
export function constantInts(model: OnnxModel, tensor: string, depth = 0): number[] | undefined {
  const weight = model.initializers.get(tensor);
  if (weight) return tensorInts(weight);
  const node = model.producers.get(tensor);
  if (!node || depth > 20) return undefined;
  if (node.op === "Constant") {
    const value = attributeOf(node, "value")?.tensor;
    if (value) return tensorInts(value);
    const int = (attributeOf(node, "value_int") ?? attributeOf(node, "value_ints"))?.int;
    return int === undefined ? undefined : [int];
  }
  if (node.op === "Concat") {
    return node.inputs.flatMap((name) => constantInts(model, name, depth + 1) ?? [NaN]);
  }
  if (["Unsqueeze", "Squeeze", "Cast", "Identity"].includes(node.op)) {
    return constantInts(model, node.inputs[0], depth + 1);
  }
  return undefined;
}
