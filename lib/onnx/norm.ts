/**
 * Recognises layer norms and RMS norms, fused or spelled out.
 * @module
 */
import { strip } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { isConstant } from "./order.ts";
import { factsOf } from "./shapes.ts";

/** What a tensor is the normalised form of. */
export interface Norm {
  /** Tensor that goes in, behind no-op casts. */
  input: string;
  /** Tensor of the weight that multiplies, when there is one; a constant. */
  gain?: string;
  /** Tensor of the bias that is added, when there is one; a constant. */
  bias?: string;
  /** Is the mean taken off first? */
  centred: boolean;
  /** The fused operator, or the last of those that spell the norm out. */
  node: OnnxNode;
}

const FUSED: Readonly<Record<string, boolean>> = {
  LayerNormalization: true,
  RMSNormalization: false,
  SimplifiedLayerNormalization: false,
  EmbedLayerNormalization: true,
};

/** The norm whose output is `tensor`, or undefined. */
export function normOf(model: OnnxModel, tensor: string): Norm | undefined {
  let name = strip(model, tensor), gain: string | undefined, bias: string | undefined;
  for (let step = 0; step < 4; step++) {
    const node = model.producers.get(name);
    if (!node) return undefined;
    const centred = FUSED[node.op];
    if (centred !== undefined && node.outputs[0] === name) {
      const own = node.op === "EmbedLayerNormalization" ? [5, 6] : [1, 2];
      return {
        input: strip(model, node.inputs[0]),
        gain: gain ?? (node.inputs[own[0]] || undefined),
        bias: bias ?? (node.inputs[own[1]] || undefined),
        centred,
        node,
      };
    }
    const weight = vectorOperand(model, node);
    if (!weight) {
      const core = coreOf(model, node);
      return core && { ...core, gain, bias, node };
    }
    if (node.op === "Mul") gain = weight.vector;
    else bias = weight.vector;
    name = strip(model, weight.other);
  }
  return undefined;
}

/** For Add or Mul with a constant vector: that vector and the other operand. */
export function vectorOperand(
  model: OnnxModel,
  node: OnnxNode,
): { vector: string; other: string } | undefined {
  if (node.op !== "Add" && node.op !== "Mul") return undefined;
  for (const [i, operand] of node.inputs.entries()) {
    if (!isConstant(model, operand)) continue;
    const vector = strip(model, operand);
    const dims = factsOf(model, operand).dims ?? factsOf(model, vector).dims;
    const last = dims?.at(-1);
    const row = dims?.slice(0, -1).every((dim) => dim === 1);
    if (row && typeof last === "number" && last > 1) {
      return { vector, other: node.inputs[1 - i] };
    }
  }
  return undefined;
}

/**
 * The x of `(x - mean(x)) / sqrt(…)`, of `x / sqrt(…)` and of `x · 1/sqrt(…)`, where the root holds a mean of
 * squares of x.
 */
function coreOf(
  model: OnnxModel,
  node: OnnxNode,
): { input: string; centred: boolean } | undefined {
  if (node.op === "Div") {
    const above = strip(model, node.inputs[0]);
    const input = centredInput(model, above);
    if (input !== undefined) return { input, centred: true };
    return rootOver(model, node.inputs[1], above) ? { input: above, centred: false } : undefined;
  }
  if (node.op !== "Mul") return undefined;
  for (const [i, operand] of node.inputs.entries()) {
    const above = strip(model, operand);
    if (!rootOver(model, node.inputs[1 - i], above)) continue;
    const input = centredInput(model, above);
    return { input: input ?? above, centred: input !== undefined };
  }
  return undefined;
}

/** The x of `x - mean(x)`. */
function centredInput(model: OnnxModel, tensor: string): string | undefined {
  const node = model.producers.get(tensor);
  if (node?.op !== "Sub") return undefined;
  const input = strip(model, node.inputs[0]);
  const mean = model.producers.get(strip(model, node.inputs[1]));
  const ofInput = mean?.op === "ReduceMean" && strip(model, mean.inputs[0]) === input;
  return ofInput ? input : undefined;
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

/** The constant operands of what is added under a spelled-out norm's root, or the fused operator itself. */
export function epsilonSource(
  model: OnnxModel,
  norm: Norm,
): { node: OnnxNode } | { tensor: string } | undefined {
  if (norm.node.op in FUSED) return { node: norm.node };
  let names = norm.node.inputs.map((name) => strip(model, name));
  for (let step = 0; step < 6; step++) {
    const next: string[] = [];
    for (const name of names) {
      const node = model.producers.get(name);
      if (!node || name === norm.input || node.op === "Sub") continue;
      const constant = node.op === "Add" && node.inputs.find((other) => isConstant(model, other));
      if (constant) return { tensor: constant };
      if (["Add", "Sqrt", "Div", "Reciprocal", "Pow"].includes(node.op)) {
        next.push(...node.inputs.map((operand) => strip(model, operand)));
      }
    }
    names = next;
  }
  return undefined;
}
