/**
 * Weights of an attention that one fused operator computes: GroupQueryAttention, MultiHeadAttention, or com.microsoft's
 * Attention, which holds its projections itself. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 * @module
 */
import {
  all,
  attentionOf,
  type AttentionWeights,
  type Projection,
  projectionOf,
  type Route,
  routeTo,
  take,
  transposed,
} from "./attention_projection.ts";
import { constantFloats } from "./constants.ts";
import { stripShape } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { linearOf } from "./products.ts";
import { factsOf } from "./shapes.ts";
import { attributeOf } from "./tensors.ts";

/** Where queries, keys and values are taken from. */
interface Parts {
  input: string;
  /** Projection of each, and the rows of it that are meant; absent where it is the whole of it. */
  projections: [Projection, Projection, Projection];
  rows?: number[][];
  routes?: Route[];
  /** Bias of all three, one behind the other. */
  bias?: Float32Array;
}

/**
 * Weights of the fused attention that writes `tensor`; undefined when none does, and words for what is not understood.
 * @throws SdmError when weights cannot be read
 */
export function fusedAttention(
  model: OnnxModel,
  tensor: string,
): AttentionWeights | string | undefined {
  const output = linearOf(model, tensor);
  const node = output && model.producers.get(output.input);
  if (!output || !node || !/Attention$/.test(node.op)) return undefined;
  const heads = attributeOf(node, "num_heads")?.int;
  if (heads === undefined) return `${node.op} does not tell its heads`;
  const keyHeads = attributeOf(node, "kv_num_heads")?.int ?? heads;
  const parts = partsOf(model, node, heads, keyHeads);
  if (typeof parts === "string") return parts;
  const { projections, rows, routes, bias } = parts;
  const taken = projections.map((projection, i) => take(projection, rows?.[i] ?? all(projection)));
  const [q, k, v] = taken;
  let start = 0;
  for (const part of bias ? taken : []) {
    part.b = part.b.map((x, i) => x + bias![start + i]);
    start += part.b.length;
  }
  const width = q.b.length / heads;
  const o = projectionOf(model, output);
  if (o.in !== q.b.length || k.b.length !== keyHeads * width || v.b.length !== k.b.length) {
    return `queries have ${q.b.length} numbers, keys ${k.b.length}, heads ${width}`;
  }
  const { input } = parts;
  const dIn = projections[0].in;
  return attentionOf(model, { input, heads, keyHeads, width, taken, dIn, output: o, routes });
}

function partsOf(
  model: OnnxModel,
  node: OnnxNode,
  heads: number,
  keyHeads: number,
): Parts | string {
  if (node.op === "Attention" && node.domain !== "") return heldParts(model, node);
  const sides = node.inputs.slice(0, 3).filter((name) => name !== "");
  const routes: Route[] = [];
  for (const name of sides) {
    const route = routeTo(model, name, new Set());
    if (!route) return `"${name}" comes from no weight`;
    if (route.linear.packed !== undefined) return `weights are quantised (${route.linear.packed})`;
    routes.push(route);
  }
  const input = stripShape(model, routes[0].linear.input);
  const [first, ...others] = routes.map((route) => projectionOf(model, route.linear));
  const packedBias = node.op === "MultiHeadAttention" && node.inputs[3];
  const bias = packedBias ? constantFloats(model, packedBias) : undefined;
  if (packedBias && !bias) return "its bias is not a constant";
  if (others.length === 2) {
    return { input, projections: [first, others[0], others[1]], routes, bias };
  }
  if (others.length === 1 || bias) return "keys and values are packed in a way that is not known";
  // Queries, then keys, then values, each head by head.
  const width = first.out / (heads + 2 * keyHeads);
  const sizes = [heads * width, keyHeads * width, keyHeads * width];
  return { input, projections: [first, first, first], rows: thirds(sizes) };
}

/** Row numbers of parts that follow each other. */
function thirds(sizes: readonly number[]): number[][] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return Array.from({ length: size }, (_, i) => start - size + i);
  });
}

/** The projections that the operator holds: one matrix [in, 3 out]. */
function heldParts(model: OnnxModel, node: OnnxNode): Parts | string {
  const weight = constantFloats(model, node.inputs[1]);
  const [inner, out] = factsOf(model, node.inputs[1]).dims ?? [];
  if (!weight || typeof inner !== "number" || typeof out !== "number") {
    return "its weights are no floats of the file";
  }
  if (attributeOf(node, "qkv_hidden_sizes")) {
    return "its queries and values have widths of their own";
  }
  const bias = node.inputs[2] ? constantFloats(model, node.inputs[2]) : new Float32Array(out);
  if (!bias) return "its bias is not a constant";
  const whole = { rows: transposed(weight, inner, out), bias, out, in: inner };
  const input = stripShape(model, node.inputs[0]);
  return { input, projections: [whole, whole, whole], rows: thirds([out / 3, out / 3, out / 3]) };
}
