/**
 * Finds the residual stream of a decoder by the shape of its graph: the chain of Adds that ends at the final
 * norm, in which one operand (the stream so far) is an ancestor of the other (what a sublayer adds).
 * @module
 */
import { strip } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { linearNode, normOf, vectorOperand } from "./norm.ts";

/** What one sublayer adds to the stream. */
export interface Branch {
  /** Tensor that is added. */
  tensor: string;
  /** `attention` when products of two activations and a softmax lead to it. */
  kind: "attention" | "mlp";
}

/** One residual Add: the stream before, what is added, the stream after. */
export interface StreamStep {
  /** Stream before. */
  before: string;
  /** Stream after. */
  after: string;
  /** One branch, or attention and MLP in a parallel-residual block. */
  branches: Branch[];
}

/** The stream, or why there is none. */
export type StreamResult = { steps: StreamStep[]; trouble?: undefined } | { trouble: string };

/** Shapes flow from everywhere to everywhere; only values make an ancestor. */
function valueInputs(node: OnnxNode): string[] {
  if (node.op === "Shape" || node.op === "Size") return [];
  return [...node.inputs, ...node.captures].filter((name) => name !== "");
}

/** All tensors that `tensor` is computed from by value, itself included, not looking behind `stop`. */
export function ancestors(model: OnnxModel, tensor: string, stop?: string): Set<string> {
  const seen = new Set<string>([tensor]);
  const todo = [tensor];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const node = name === stop ? undefined : model.producers.get(name);
    if (!node) continue;
    for (const input of valueInputs(node)) {
      if (seen.has(input)) continue;
      seen.add(input);
      todo.push(input);
    }
  }
  return seen;
}

/** Is `wanted` among the ancestors of `tensor`? Stops as soon as it is met. */
function isAncestor(model: OnnxModel, wanted: string, tensor: string): boolean {
  const seen = new Set<string>([tensor]);
  const todo = [tensor];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const node = model.producers.get(name);
    for (const input of node ? valueInputs(node) : []) {
      if (input === wanted) return true;
      if (seen.has(input)) continue;
      seen.add(input);
      todo.push(input);
    }
  }
  return false;
}

/** The nodes between `stop` and `tensor`. */
export function nodesBetween(model: OnnxModel, stop: string, tensor: string): Set<OnnxNode> {
  const nodes = new Set<OnnxNode>();
  for (const name of ancestors(model, tensor, stop)) {
    const node = name === stop ? undefined : model.producers.get(name);
    if (node) nodes.add(node);
  }
  return nodes;
}

/** The output that carries logits or hidden states. */
export function mainOutput(model: OnnxModel): string | undefined {
  const names = model.outputs.map((output) => output.name);
  return ["logits", "last_hidden_state"].find((name) => names.includes(name)) ?? names[0];
}

/** The tensor that the last norm before the output reads, found breadth first. */
function finalNormInput(model: OnnxModel, output: string): string | undefined {
  let level = [output];
  const seen = new Set(level);
  for (let visited = 0; level.length > 0 && visited < 200;) {
    const next: string[] = [];
    for (const name of level) {
      visited++;
      const norm = normOf(model, name);
      if (norm) return norm.input;
      const node = model.producers.get(name);
      for (const input of node ? valueInputs(node) : []) {
        if (!seen.has(input)) next.push(input);
        seen.add(input);
      }
    }
    level = next;
  }
  return undefined;
}

/** Operands of an Add of two activations. */
function sumOperands(model: OnnxModel, tensor: string): string[] | undefined {
  const node = model.producers.get(tensor);
  if (node?.op !== "Add" || vectorOperand(model, node)) return undefined;
  return node.inputs.map((name) => strip(model, name));
}

/** Place of a tensor's node in the file; weights and inputs come before all. */
function madeAt(model: OnnxModel, tensor: string): number {
  return model.producers.get(tensor)?.index ?? -1;
}

/** The residual Add that makes `after`, or undefined when `after` is where the stream begins. */
function stepAt(model: OnnxModel, after: string): StreamStep | undefined {
  let leaves = sumOperands(model, after);
  // A block that adds attention and MLP one after the other to the same stream needs a second look, inside.
  for (let round = 0; leaves && round < 2; round++) {
    // Files list nodes in order, so the stream is nearly always the leaf that is made first.
    leaves = leaves.toSorted((a, b) => madeAt(model, a) - madeAt(model, b));
    for (const before of leaves) {
      const others = leaves.filter((leaf) => leaf !== before);
      if (others.length === 0) continue;
      if (!others.every((leaf) => isAncestor(model, before, leaf))) continue;
      return { before, after, branches: branchesOf(model, before, others) };
    }
    const inner: string[] = leaves.flatMap((leaf) => sumOperands(model, leaf) ?? [leaf]);
    leaves = inner.length > leaves.length ? inner : undefined;
  }
  return undefined;
}

function branchesOf(model: OnnxModel, before: string, added: string[]): Branch[] {
  const named = (tensor: string): Branch => ({ tensor, kind: kindOf(model, before, tensor) });
  const inner = added.length === 1 ? sumOperands(model, added[0]) : undefined;
  if (inner) {
    const parts = inner.map(named);
    if (parts.some((p) => p.kind === "attention") && parts.some((p) => p.kind === "mlp")) {
      return parts;
    }
  }
  return added.map(named);
}

function kindOf(model: OnnxModel, before: string, tensor: string): Branch["kind"] {
  let softmax = false, activationProduct = false;
  for (const node of nodesBetween(model, before, tensor)) {
    if (node.op.endsWith("Attention")) return "attention";
    if (node.op === "Softmax") softmax = true;
    if (node.op === "MatMul" && !linearNode(model, node)) activationProduct = true;
  }
  return softmax && activationProduct ? "attention" : "mlp";
}

/** The residual stream from the embedding to the final norm, first step first. */
export function findStream(model: OnnxModel): StreamResult {
  const output = mainOutput(model);
  if (output === undefined) return { trouble: "the graph has no outputs" };
  const producer = model.producers.get(output);
  if (producer?.op === "If") {
    return { trouble: "the decoder is inside an If node (a merged export)" };
  }
  let after = finalNormInput(model, output);
  if (after === undefined) return { trouble: `no norm was found before output "${output}"` };
  const steps: StreamStep[] = [];
  for (let step = stepAt(model, after); step; step = stepAt(model, after)) {
    steps.unshift(step);
    after = step.before;
  }
  return steps.length === 0
    ? { trouble: "the final norm does not read a chain of residual Adds" }
    : { steps };
}
