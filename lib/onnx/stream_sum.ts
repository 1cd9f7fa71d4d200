/**
 * One residual Add: which operand is the stream so far, and what is added to it.
 * @module
 */
import { strip, stripRows } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { isAncestor, isConstant, nodesBetween, orderOf } from "./order.ts";
import { isActivationProduct } from "./products.ts";

/** What one sublayer adds to the stream. */
export interface Branch {
  /** Tensor that is added. */
  tensor: string;
  /** `attention` when products of two activations and a softmax lead to it, or one fused operator. */
  kind: "attention" | "mlp";
  /** What of the branch makes it that kind, for people. */
  sign: string;
}

/** One residual Add: the stream before, what is added, the stream after. */
export interface StreamStep {
  /** Stream before. */
  before: string;
  /** Stream after: the sum, or in a post-norm model the norm of the sum. */
  after: string;
  /** The sum itself. */
  sum: string;
  /** A constant that is added beside the branch, for people: it is in the sum and in no branch. */
  constant?: string;
  /** One branch, or attention and MLP in a parallel-residual block. */
  branches: Branch[];
}

/** Operands of an Add of two activations, behind casts; and the constant of an Add in front of it. */
function sumOperands(
  model: OnnxModel,
  tensor: string,
): { leaves: string[]; constant?: string } | undefined {
  const node = model.producers.get(tensor);
  if (node?.op !== "Add" && node?.op !== "Sum") return undefined;
  const leaves = node.inputs.filter((name) => !isConstant(model, name));
  if (leaves.length === 2) return { leaves: leaves.map((name) => strip(model, name)) };
  return undefined;
}

/** The residual Add that makes `tensor`, or undefined when `tensor` is where the stream begins. */
export function stepAt(model: OnnxModel, tensor: string): Omit<StreamStep, "after"> | undefined {
  const { depth } = orderOf(model);
  const sum = stripRows(model, tensor);
  const outer = sumOperands(model, sum) ?? behindConstant(model, sum);
  let leaves = outer?.leaves;
  // A block that adds attention and MLP one after the other to the same stream needs a second look, inside.
  for (let round = 0; leaves && round < 2; round++) {
    const byDepth = leaves.toSorted((a, b) => (depth.get(a) ?? 0) - (depth.get(b) ?? 0));
    for (const leaf of byDepth) {
      const others = byDepth.filter((other) => other !== leaf);
      const before = stripRows(model, leaf);
      if (others.length === 0) continue;
      if (!others.every((other) => isAncestor(model, before, other))) continue;
      const branches = branchesOf(model, before, others);
      return { before, sum, branches, constant: outer?.constant };
    }
    const inner: string[] = leaves.flatMap((leaf) => sumOperands(model, leaf)?.leaves ?? [leaf]);
    leaves = inner.length > leaves.length ? inner : undefined;
  }
  return undefined;
}

/** A sum to which a constant is added: an optimiser may move a bias behind the residual Add. */
function behindConstant(model: OnnxModel, tensor: string) {
  const node = model.producers.get(tensor);
  if (node?.op !== "Add") return undefined;
  const constant = node.inputs.find((name) => isConstant(model, name));
  const other = node.inputs.find((name) => name !== constant);
  if (constant === undefined || other === undefined) return undefined;
  const inner = sumOperands(model, strip(model, other));
  return inner && { ...inner, constant };
}

/** One branch, or two when the sum of an attention and an MLP is added. */
function branchesOf(model: OnnxModel, before: string, added: string[]): Branch[] {
  const inner = added.length === 1 ? sumOperands(model, added[0])?.leaves : undefined;
  const parts = inner?.map((tensor) => branchAt(model, before, tensor));
  const both = parts?.some((p) => p.kind === "attention") && parts.some((p) => p.kind === "mlp");
  return both ? parts! : added.map((tensor) => branchAt(model, before, tensor));
}

function branchAt(model: OnnxModel, before: string, tensor: string): Branch {
  let softmax = false, product = false;
  for (const node of nodesBetween(model, before, tensor)) {
    if (/Attention$/.test(node.op)) return { tensor, kind: "attention", sign: `a ${node.op} node` };
    if (node.op === "Softmax") softmax = true;
    product ||= isActivationProduct(model, node);
  }
  if (softmax && product) {
    return { tensor, kind: "attention", sign: "a softmax and a product of two activations" };
  }
  const sign = softmax ? "no product of two activations" : "no softmax";
  return { tensor, kind: "mlp", sign };
}
