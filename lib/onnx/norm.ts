/**
 * Recognises layer norms and RMS norms, fused or spelled out.
 * @module
 */
import { strip, stripShape } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { attributeOf } from "./tensors.ts";

/** What a tensor is the normalised form of. */
export interface Norm {
  /** Tensor that goes in, behind no-op casts. */
  input: string;
  /** Weight that multiplies, when there is one. */
  gain?: string;
}

const FUSED = new Set([
  "LayerNormalization",
  "RMSNormalization",
  "SimplifiedLayerNormalization",
]);

/** The norm whose output is `tensor`, or undefined. */
export function normOf(model: OnnxModel, tensor: string): Norm | undefined {
  let name = strip(model, tensor), gain: string | undefined;
  for (let step = 0; step < 4; step++) {
    const node = model.producers.get(name);
    if (!node) return undefined;
    if (FUSED.has(node.op) && node.outputs[0] === name) {
      return { input: strip(model, node.inputs[0]), gain: gain ?? node.inputs[1] };
    }
    const weight = vectorOperand(model, node);
    if (!weight) {
      const input = coreInput(model, node);
      return input === undefined ? undefined : { input, gain };
    }
    if (node.op === "Mul") gain = weight.vector;
    name = strip(model, weight.other);
  }
  return undefined;
}

/** For Add or Mul with a vector weight: that weight and the other operand. */
export function vectorOperand(
  model: OnnxModel,
  node: OnnxNode,
): { vector: string; other: string } | undefined {
  if (node.op !== "Add" && node.op !== "Mul") return undefined;
  for (const [i, operand] of node.inputs.entries()) {
    const name = strip(model, operand);
    const dims = model.initializers.get(name)?.dims;
    if (dims?.length === 1 && dims[0] > 1) return { vector: name, other: node.inputs[1 - i] };
  }
  return undefined;
}

/**
 * The x of `(x - mean(x)) / sqrt(…)`, of `x / sqrt(…)` and of `x · 1/sqrt(…)`, where the root holds a mean of
 * squares of x.
 */
function coreInput(model: OnnxModel, node: OnnxNode): string | undefined {
  if (node.op === "Div") {
    const above = strip(model, node.inputs[0]);
    const centred = model.producers.get(above);
    if (centred?.op === "Sub") {
      const input = strip(model, centred.inputs[0]);
      const mean = model.producers.get(strip(model, centred.inputs[1]));
      const ofInput = mean?.op === "ReduceMean" && strip(model, mean.inputs[0]) === input;
      if (ofInput) return input;
    }
    return rootOver(model, node.inputs[1], above) ? above : undefined;
  }
  if (node.op !== "Mul") return undefined;
  for (const [i, operand] of node.inputs.entries()) {
    const input = strip(model, operand);
    if (rootOver(model, node.inputs[1 - i], input)) return input;
  }
  return undefined;
}

/** Does `tensor` come from a mean of squares of `input` through at most six small steps? */
function rootOver(model: OnnxModel, tensor: string, input: string): boolean {
  let names = [strip(model, tensor)];
  for (let step = 0; step < 6; step++) {
    const next: string[] = [];
    for (const name of names) {
      const node = model.producers.get(name);
      if (node?.op === "ReduceMean") {
        const square = model.producers.get(strip(model, node.inputs[0]));
        const squares = square?.op === "Pow" || square?.op === "Mul";
        if (squares && strip(model, square.inputs[0]) === input) return true;
      } else if (node && ["Add", "Sqrt", "Div", "Reciprocal", "Pow"].includes(node.op)) {
        next.push(...node.inputs.map((operand) => strip(model, operand)));
      }
    }
    names = next;
  }
  return false;
}

/** A product with a weight matrix. */
export interface Linear {
  /** The node: MatMul or Gemm. */
  node: OnnxNode;
  /** What is multiplied, behind reshapes and casts. */
  input: string;
  /** Weight in the file. */
  weight: string;
  /** True when the weight's rows are the outputs, [out, in]. */
  outFirst: boolean;
}

/** The product with a weight matrix that `tensor` is, behind biases, reshapes, norms and casts, or undefined. */
export function linearOf(model: OnnxModel, tensor: string): Linear | undefined {
  let name = stripShape(model, tensor);
  for (let step = 0; step < 6; step++) {
    const node = model.producers.get(name);
    if (!node) return undefined;
    if (node.op === "MatMul" || node.op === "Gemm") return linearNode(model, node);
    const norm = normOf(model, name);
    const through = norm?.input ?? vectorOperand(model, node)?.other;
    if (through === undefined) return undefined;
    name = stripShape(model, through);
  }
  return undefined;
}

/** MatMul or Gemm as {@link Linear}, when its second operand is a weight of the file. */
export function linearNode(model: OnnxModel, node: OnnxNode): Linear | undefined {
  let weight = strip(model, node.inputs[1]);
  let outFirst = false;
  const flip = model.producers.get(weight);
  if (flip?.op === "Transpose") {
    weight = strip(model, flip.inputs[0]);
    outFirst = true;
  }
  if (node.op === "Gemm" && attributeOf(node, "transB")?.int) outFirst = !outFirst;
  if (model.initializers.get(weight)?.dims.length !== 2) return undefined;
  return { node, input: stripShape(model, node.inputs[0]), weight, outFirst };
}
