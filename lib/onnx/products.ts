/**
 * Recognises products with a weight matrix: plain, fused, quantised.
 * @module
 */
import { strip, stripShape, weightOf } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { normOf, vectorOperand } from "./norm.ts";
import { isConstant } from "./order.ts";
import { factsOf } from "./shapes.ts";
import { attributeOf } from "./tensors.ts";

/** A product with a weight matrix. */
export interface Linear {
  /** The node: MatMul, Gemm or a relation of theirs. */
  node: OnnxNode;
  /** What is multiplied, behind reshapes, casts and quantisation. */
  input: string;
  /** Weight in the file, as it is stored. */
  weight: string;
  /** True when the weight's rows are the outputs, [out, in]. */
  outFirst: boolean;
  /** Width of the input, where the graph tells. */
  in?: number;
  /** Width of the output, where the graph tells. */
  out?: number;
  /** The operator that keeps the weight as something else than float numbers. */
  packed?: string;
}

/** Products of two matrices, and which input is the weight when one is. */
const PRODUCTS: Readonly<Record<string, number>> = {
  MatMul: 1,
  Gemm: 1,
  FusedMatMul: 1,
  FusedGemm: 1,
  GemmFastGelu: 1,
  MatMulInteger: 1,
  MatMulIntegerToFloat: 1,
  DynamicQuantizeMatMul: 1,
  QLinearMatMul: 3,
  MatMulNBits: 1,
  MatMulBnb4: 1,
  MatMulFpQ4: 1,
};
const PACKED = new Set(["MatMulNBits", "MatMulBnb4", "MatMulFpQ4"]);
const INTEGER = new Set([
  "MatMulInteger",
  "MatMulIntegerToFloat",
  "DynamicQuantizeMatMul",
  "QLinearMatMul",
]);

/** Is it a product of two activations, such as scores of attention? */
export function isActivationProduct(model: OnnxModel, node: OnnxNode): boolean {
  return node.op in PRODUCTS && !linearNode(model, node);
}

/** A product as {@link Linear}, when its second operand is a weight. */
export function linearNode(model: OnnxModel, node: OnnxNode): Linear | undefined {
  const place = PRODUCTS[node.op];
  const operand = place === undefined ? undefined : node.inputs[place];
  if (!operand || !isConstant(model, operand)) return undefined;
  const input = productInput(model, node);
  if (PACKED.has(node.op)) {
    const [inner, out] = [attributeOf(node, "K")?.int, attributeOf(node, "N")?.int];
    return { node, input, weight: operand, outFirst: true, in: inner, out, packed: node.op };
  }
  let weight = strip(model, operand);
  let outFirst = false;
  const flip = model.producers.get(weight);
  if (flip?.op === "Transpose") {
    weight = strip(model, flip.inputs[0]);
    outFirst = true;
  }
  if (attributeOf(node, "transB")?.int) outFirst = !outFirst;
  const dims = weightOf(model, weight)?.dims;
  if (dims?.length !== 2) return undefined;
  const [a, b] = dims;
  const linear: Linear = {
    node,
    input,
    weight,
    outFirst,
    in: outFirst ? b : a,
    out: outFirst ? a : b,
  };
  if (INTEGER.has(node.op)) linear.packed = node.op;
  else if (quantised(model, operand)) linear.packed = "DequantizeLinear";
  return linear;
}

/** Does a de-quantisation lie between a weight and its use? */
function quantised(model: OnnxModel, tensor: string): boolean {
  for (let name = tensor;;) {
    const node = model.producers.get(name);
    if (!node || node.op === "Constant") return false;
    if (node.op === "DequantizeLinear") return true;
    name = node.inputs[0];
  }
}

/** What a product multiplies, behind reshapes, casts and the quantisation of activations. */
function productInput(model: OnnxModel, node: OnnxNode): string {
  const name = stripShape(model, node.inputs[0]);
  const maker = model.producers.get(name);
  return maker?.op === "DynamicQuantizeLinear" ? stripShape(model, maker.inputs[0]) : name;
}

/** The other operand of a Mul or Div by a number that is no activation: a constant, or the scale of a quantisation. */
export function scaled(model: OnnxModel, node: OnnxNode): string | undefined {
  if (node.op !== "Mul" && node.op !== "Div") return undefined;
  for (const [i, operand] of node.inputs.entries()) {
    if (node.op === "Div" && i === 0) continue;
    const name = strip(model, operand);
    if (isConstant(model, name) || isDynamicScale(model, name)) return node.inputs[1 - i];
  }
  return undefined;
}

/** Is it the scale of a dynamic quantisation, or that times a constant? */
function isDynamicScale(model: OnnxModel, tensor: string): boolean {
  const node = model.producers.get(tensor);
  if (node?.op === "DynamicQuantizeLinear") return node.outputs[1] === tensor;
  if (node?.op !== "Mul") return false;
  const parts = node.inputs.map((name) => strip(model, name));
  return parts.some((name) => isConstant(model, name)) &&
    parts.some((name) => {
      const maker = model.producers.get(name);
      return maker?.op === "DynamicQuantizeLinear" && maker.outputs[1] === name;
    });
}

/**
 * The product with a weight matrix that `tensor` is, behind biases, scales, reshapes, norms, caps and casts, or
 * undefined.
 */
export function linearOf(model: OnnxModel, tensor: string): Linear | undefined {
  let name = stripShape(model, tensor);
  for (let step = 0; step < 10; step++) {
    const node = model.producers.get(name);
    if (!node) return undefined;
    if (node.op in PRODUCTS) return linearNode(model, node);
    const through = normOf(model, name)?.input ?? vectorOperand(model, node)?.other ??
      scaled(model, node) ?? (node.op === "Tanh" ? node.inputs[0] : undefined);
    if (through === undefined) return undefined;
    name = stripShape(model, through);
  }
  return undefined;
}

/**
 * The float tensor that a product and its bias make, followed forward from the node: behind casts and scales of
 * quantisation and one constant vector. Undefined when the product's own output is not a float tensor.
 */
export function productOutput(model: OnnxModel, linear: Linear): string {
  let name = linear.node.outputs[0], best = name, biased = linear.node.op === "Gemm";
  for (let step = 0; step < 6; step++) {
    const readers = model.consumers.get(name) ?? [];
    const next = readers.length === 1 ? readers[0] : undefined;
    if (!next) return best;
    const bias = next.op === "Add" && !biased && vectorOperand(model, next);
    const scale = next.op === "Mul" && linear.packed !== undefined &&
      next.inputs.some((other) => isDynamicScale(model, strip(model, other)));
    const passes = next.op === "Cast" ||
      (next.op === "Reshape" && linear.node.op === "Gemm" && keeps(model, next));
    if (!bias && !scale && !passes) return best;
    name = next.outputs[0];
    if (bias) biased = true;
    if (bias || scale || next.op === "Reshape") best = name;
  }
  return best;
}

/** Does a reshape leave the last axis alone? */
function keeps(model: OnnxModel, node: OnnxNode): boolean {
  const widths = [node.inputs[0], node.outputs[0]].map((name) => factsOf(model, name).dims?.at(-1));
  return typeof widths[0] === "number" && widths[0] === widths[1];
}
