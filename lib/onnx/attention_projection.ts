/**
 * Projections of an attention as plain matrices, and the way from one to where it is used.
 * @module
 */
import { constantFloats } from "./constants.ts";
import { weightOf } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { normOf, vectorOperand } from "./norm.ts";
import { type Linear, linearNode } from "./products.ts";
import { tensorFloats } from "./tensors.ts";

/** Attention of one layer as plain matrices: what it reads times `q`, `k` and `v`, and what it mixed times `o`. */
export interface AttentionWeights {
  /** Tensor that queries, keys and values are made of. */
  input: string;
  /** Query heads. */
  heads: number;
  /** Heads of keys and values; each serves `heads / keyHeads` query heads in a row. */
  keyHeads: number;
  /** Numbers of a head. */
  width: number;
  /** Width of the input. */
  dIn: number;
  /** Width of the output. */
  dOut: number;
  /** Queries [heads · width, dIn]. */
  q: Float32Array;
  /** Keys [keyHeads · width, dIn]. */
  k: Float32Array;
  /** Values [keyHeads · width, dIn]. */
  v: Float32Array;
  /** Output [heads · width, dOut]: row j is what number j of the mixed values writes. */
  o: Float32Array;
  /** Biases [heads · width] and [keyHeads · width]; zero where the model has none. */
  bQ: Float32Array;
  /** Bias of the keys. */
  bK: Float32Array;
  /** Bias of the values. */
  bV: Float32Array;
  /** Bias of the output [dOut]. */
  bO: Float32Array;
  /** Gains [width] of norms of queries and keys, where there are any. */
  gainQ?: Float32Array;
  /** Gain of the keys' norm. */
  gainK?: Float32Array;
}

/** What {@link attentionOf} puts together. */
export interface AttentionParts
  extends Pick<AttentionWeights, "input" | "heads" | "keyHeads" | "width"> {
  /** Rows of queries, keys and values, with their biases. */
  taken: readonly { w: Float32Array; b: Float32Array }[];
  /** Width of what they read. */
  dIn: number;
  /** The product behind the mixed values. */
  output: Projection;
  /** From the products of queries and keys to the scores, where norms may lie on the way. */
  routes?: readonly Route[];
}

/** The weights of an attention from its parts. */
export function attentionOf(model: OnnxModel, parts: AttentionParts): AttentionWeights {
  const { taken: [q, k, v], output: o, routes, dIn, input, heads, keyHeads, width } = parts;
  return {
    input,
    heads,
    keyHeads,
    width,
    dIn,
    dOut: o.out,
    q: q.w,
    k: k.w,
    v: v.w,
    o: transposed(o.rows, o.out, o.in),
    bQ: q.b,
    bK: k.b,
    bV: v.b,
    bO: o.bias,
    gainQ: routes && gainOf(model, routes[0], width),
    gainK: routes && gainOf(model, routes[1], width),
  };
}

/** Rows of a weight as it lies in the file, and its numbers. */
export interface Projection {
  /** [out, in]. */
  rows: Float32Array;
  /** [out]; zero where the model has none. */
  bias: Float32Array;
  /** Number of outputs. */
  out: number;
  /** Number of inputs. */
  in: number;
}

/** A product with a weight, and the nodes from it to a tensor, in order. */
export interface Route {
  /** The product. */
  linear: Linear;
  /** Nodes on the way, and which of their outputs it takes. */
  nodes: { node: OnnxNode; output: string }[];
}

/** The route from the nearest product with a weight to `tensor`; shapes are not followed. */
export function routeTo(model: OnnxModel, tensor: string, seen: Set<string>): Route | undefined {
  const node = model.producers.get(tensor);
  if (!node || seen.has(tensor) || node.op === "Shape" || node.op === "Softmax") return undefined;
  seen.add(tensor);
  const linear = linearNode(model, node);
  if (linear) return { linear, nodes: [] };
  for (const input of node.inputs) {
    const route = input && routeTo(model, input, seen);
    if (route) return { ...route, nodes: [...route.nodes, { node, output: tensor }] };
  }
  return undefined;
}

/** Weight and bias of a product. */
export function projectionOf(model: OnnxModel, { node, weight, outFirst }: Linear): Projection {
  const tensor = weightOf(model, weight)!;
  const data = tensorFloats(model, tensor) as Float32Array;
  const [a, b] = tensor.dims;
  const [out, inner] = outFirst ? [a, b] : [b, a];
  return {
    rows: outFirst ? data : transposed(data, a, b),
    bias: biasOf(model, node, out) ?? new Float32Array(out),
    out,
    in: inner,
  };
}

/** A matrix [rows, cols] as [cols, rows]. */
export function transposed(data: Float32Array, rows: number, cols: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c];
  }
  return out;
}

/** The vector that a Gemm adds, or the only reader of a MatMul. */
function biasOf(model: OnnxModel, node: OnnxNode, out: number): Float32Array | undefined {
  const readers = model.consumers.get(node.outputs[0]) ?? [];
  const name = node.op === "Gemm"
    ? node.inputs[2]
    : readers.length === 1
    ? vectorOperand(model, readers[0])?.vector
    : undefined;
  const added = node.op === "Gemm" || readers[0]?.op === "Add";
  const values = name && added ? constantFloats(model, name) : undefined;
  return values?.length === out ? values : undefined;
}

/** Rows of a matrix and of its bias. */
export function take({ rows, bias, in: inner }: Projection, chosen: readonly number[]) {
  const out = new Float32Array(chosen.length * inner);
  chosen.forEach((row, i) => out.set(rows.subarray(row * inner, (row + 1) * inner), i * inner));
  return { w: out, b: Float32Array.from(chosen, (row) => bias[row]) };
}

/** Gain of a norm of single heads on the way. */
function gainOf(model: OnnxModel, route: Route, width: number): Float32Array | undefined {
  for (const { output } of route.nodes) {
    const gain = normOf(model, output)?.gain;
    const values = gain === undefined ? undefined : constantFloats(model, gain);
    if (values?.length === width) return values;
  }
  return undefined;
}

/** All rows of a projection. */
export function all({ out }: Projection): number[] {
  return Array.from({ length: out }, (_, i) => i);
}
