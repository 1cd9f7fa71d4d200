/**
 * Queries, keys and values of one attention as tensors of the graph, where there are any.
 * @module
 */
import { strip, stripShape } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { valueInputs } from "./order.ts";
import { isActivationProduct, type Linear, linearNode, productOutput } from "./products.ts";
import { factsOf } from "./shapes.ts";

/** One of `q`, `k`, `v`, or `qkv` when they exist only together. */
export interface AttentionPart {
  /** Which one. */
  kind: "q" | "k" | "v" | "qkv";
  /** Its tensor, tokens by rows. */
  tensor: string;
  /** Why, for people. */
  why: string;
}

type Role = "q" | "k" | "v";

/** The nearest node of a kind behind some tensors by value, not behind products with a weight. */
function behind(
  model: OnnxModel,
  tensors: readonly string[],
  wanted: (node: OnnxNode) => boolean,
): OnnxNode | undefined {
  const seen = new Set<string>();
  let names = [...tensors];
  while (names.length > 0) {
    const next: string[] = [];
    for (const name of names) {
      const node = model.producers.get(name);
      if (!node || seen.has(name)) continue;
      seen.add(name);
      if (wanted(node)) return node;
      if (!linearNode(model, node)) next.push(...valueInputs(node));
    }
    names = next;
  }
  return undefined;
}

/** Tensors that hold queries, keys and values where they meet, by role; what `fused` says of a packed operator. */
function meetingPoint(
  model: OnnxModel,
  nodes: readonly OnnxNode[],
): { sides: Map<Role, string>; fused?: OnnxNode } | undefined {
  const roles: Role[] = ["q", "k", "v"];
  const fused = nodes.find((node) => /Attention$/.test(node.op));
  if (fused) {
    const given = roles.flatMap((role, i) =>
      fused.inputs[i] ? [[role, fused.inputs[i]] as const] : []
    );
    return { sides: new Map(given), fused };
  }
  const softmax = nodes.find((node) => node.op === "Softmax");
  if (!softmax) return undefined;
  const product = (node: OnnxNode) => isActivationProduct(model, node);
  const scores = behind(model, [softmax.inputs[0]], product);
  const mix = nodes.find((node) =>
    product(node) && node !== scores &&
    node.inputs.some((name) => behind(model, [name], (other) => other === softmax))
  );
  if (!scores || !mix) return undefined;
  const values = mix.inputs.find((name) => !behind(model, [name], (other) => other === softmax));
  if (values === undefined) return undefined;
  return { sides: new Map([["q", scores.inputs[0]], ["k", scores.inputs[1]], ["v", values]]) };
}

/**
 * The parts of an attention whose first products read `input`: outputs of the projections with their bias, before
 * norms of heads and rotary positions.
 * @param nodes the attention's nodes, in an order in which they can be computed
 */
export function attentionParts(
  model: OnnxModel,
  nodes: readonly OnnxNode[],
  input: string,
): AttentionPart[] {
  const meeting = meetingPoint(model, nodes);
  if (!meeting) return [];
  const { sides, fused } = meeting;
  // com.microsoft's Attention holds the projections itself.
  if (fused?.op === "Attention" && fused.domain !== "") return [];
  // Its fourth input is a bias that it adds itself, so that no tensor is q with bias.
  if (fused?.op === "MultiHeadAttention" && fused.inputs[3]) return [];
  const firsts = (node: OnnxNode) => linearNode(model, node)?.input === input;
  const makers = new Map<Role, Linear>();
  for (const [role, tensor] of sides) {
    const node = behind(model, [tensor], firsts);
    const linear = node && linearNode(model, node);
    if (linear) makers.set(role, linear);
  }
  const parts: AttentionPart[] = [];
  const packed = new Set<OnnxNode>();
  for (const [role, linear] of makers) {
    const sharers = [...makers.values()].filter((other) => other.node === linear.node).length;
    if (sharers === 1 && sides.size === 3) {
      const why = `product of the attention's input that becomes ${role}`;
      parts.push({ kind: role, tensor: productOutput(model, linear), why });
      continue;
    }
    const piece = pieceOf(model, sides.get(role)!, linear);
    if (piece) {
      parts.push({ kind: role, tensor: piece, why: `piece of the packed product, ${role}` });
    } else if (!packed.has(linear.node)) {
      packed.add(linear.node);
      const why = "queries, keys and values in one product; no tensor holds one of them by rows";
      parts.push({ kind: "qkv", tensor: productOutput(model, linear), why });
    }
  }
  return parts;
}

/** The output of a Split or Slice of a packed product's last axis on the way to `tensor`. */
function pieceOf(model: OnnxModel, tensor: string, linear: Linear): string | undefined {
  const whole = stripShape(model, productOutput(model, linear));
  const seen = new Set<string>();
  const todo = [tensor];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const node = model.producers.get(name);
    if (!node || seen.has(name) || node === linear.node) continue;
    seen.add(name);
    const cuts = node.op === "Split" || node.op === "Slice";
    if (cuts && isWhole(model, node.inputs[0], whole, linear.out)) return name;
    todo.push(...valueInputs(node));
  }
  return undefined;
}

/** Is it the packed product, its last axis as wide as the weight? */
function isWhole(model: OnnxModel, tensor: string, whole: string, width: number | undefined) {
  if (stripShape(model, strip(model, tensor)) !== whole) return false;
  return width !== undefined && factsOf(model, tensor).dims?.at(-1) === width;
}
