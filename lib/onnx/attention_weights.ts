/**
 * The weights of a model's own attention, read out of the initialisers of its graph.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { constantInts, strip, stripShape } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { normOf, vectorOperand } from "./norm.ts";
import { type Linear, linearNode, linearOf } from "./products.ts";
import { tensorFloats } from "./tensors.ts";
import type { Hookpoint } from "./types.ts";

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

/** Rows of a weight as it lies in the file, and its numbers. */
interface Projection {
  /** [out, in]. */
  rows: Float32Array;
  bias: Float32Array;
  out: number;
  in: number;
}

/** A product with a weight, and the nodes from it to a tensor, in order. */
interface Route {
  linear: Linear;
  nodes: { node: OnnxNode; output: string }[];
}

/** The route from the nearest product with a weight to `tensor`; shapes are not followed. */
function routeTo(model: OnnxModel, tensor: string, seen: Set<string>): Route | undefined {
  const node = model.producers.get(tensor);
  if (!node || seen.has(tensor) || node.op === "Shape" || node.op === "Softmax") return undefined;
  seen.add(tensor);
  if (node.op === "MatMul" || node.op === "Gemm") {
    const linear = linearNode(model, node);
    if (linear) return { linear, nodes: [] };
  }
  for (const input of node.inputs) {
    const route = input && routeTo(model, input, seen);
    if (route) return { ...route, nodes: [...route.nodes, { node, output: tensor }] };
  }
  return undefined;
}

/** The nearest node of a kind behind `tensor` by value. */
function behind(
  model: OnnxModel,
  tensor: string,
  wanted: (node: OnnxNode) => boolean,
): OnnxNode | undefined {
  const seen = new Set<string>();
  let names = [tensor];
  while (names.length > 0) {
    const next: string[] = [];
    for (const name of names) {
      const node = model.producers.get(name);
      if (!node || seen.has(name) || node.op === "Shape") continue;
      seen.add(name);
      if (wanted(node)) return node;
      // Beyond a product with a weight is another part of the model.
      if (!linearNodeOf(model, node)) next.push(...node.inputs.filter((input) => input !== ""));
    }
    names = next;
  }
  return undefined;
}

function linearNodeOf(model: OnnxModel, node: OnnxNode): Linear | undefined {
  return node.op === "MatMul" || node.op === "Gemm" ? linearNode(model, node) : undefined;
}

/** Weight and bias of a product. */
function projectionOf(model: OnnxModel, { node, weight, outFirst }: Linear): Projection {
  const tensor = model.initializers.get(weight)!;
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

function transposed(data: Float32Array, rows: number, cols: number): Float32Array {
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
  const tensor = name ? model.initializers.get(strip(model, name)) : undefined;
  const added = node.op === "Gemm" || readers[0]?.op === "Add";
  return tensor?.dims[0] === out && added ? tensorFloats(model, tensor) : undefined;
}

/** Which rows of a projection queries, keys or values are: all of them, or a part of a fused one. */
function rowsOf(model: OnnxModel, route: Route, part: number, out: number, width: number) {
  const heads = route.nodes.findIndex(({ node }) => headDims(model, node) !== undefined);
  const cut = route.nodes.findIndex(({ node }) => node.op === "Split" || node.op === "Slice");
  const all = Array.from({ length: out }, (_, i) => i);
  const fused = cut >= 0 && (cut < heads || headDims(model, route.nodes[heads].node)! !== width);
  if (!fused) return all;
  if (cut > heads) {
    // [head, part, number]: NeoX.
    return all.filter((i) => Math.floor(i / width) % 3 === part);
  }
  const { node, output } = route.nodes[cut];
  const sizes = node.op === "Split" ? splitSizes(model, node, out) : [out / 3, out / 3, out / 3];
  const index = node.op === "Split" ? node.outputs.indexOf(output) : part;
  const first = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
  return all.slice(first, first + sizes[index]);
}

function splitSizes(model: OnnxModel, node: OnnxNode, out: number): number[] {
  const given = node.inputs[1] ? constantInts(model, node.inputs[1]) : undefined;
  return given ?? node.outputs.map(() => out / node.outputs.length);
}

/** Last size of a reshape to [batch, position, head, number], where the graph tells. */
function headDims(model: OnnxModel, node: OnnxNode): number | undefined {
  if (node.op !== "Reshape") return undefined;
  const dims = constantInts(model, node.inputs[1]);
  return dims?.length === 4 && dims[3] > 0 ? dims[3] : undefined;
}

/** Rows of a matrix and of its bias. */
function take({ rows, bias, in: inner }: Projection, chosen: readonly number[]) {
  const out = new Float32Array(chosen.length * inner);
  chosen.forEach((row, i) => out.set(rows.subarray(row * inner, (row + 1) * inner), i * inner));
  return { w: out, b: Float32Array.from(chosen, (row) => bias[row]) };
}

/** Gain of a norm of single heads on the way. */
function gainOf(model: OnnxModel, route: Route, width: number): Float32Array | undefined {
  for (const { output } of route.nodes) {
    const gain = normOf(model, output)?.gain;
    const tensor = gain && model.initializers.get(strip(model, gain));
    if (tensor && tensor.dims.length === 1 && tensor.dims[0] === width) {
      return tensorFloats(model, tensor);
    }
  }
  return undefined;
}

/** Products of attention: mixed values, scores, and the last product with a weight. */
function productsOf(model: OnnxModel, tensor: string) {
  const output = linearOf(model, tensor);
  const mix = output &&
    behind(model, output.input, (node) => node.op === "MatMul" && !linearNode(model, node));
  const isSoftmax = (node: OnnxNode) => node.op === "Softmax";
  const pattern = mix?.inputs.find((name) => behind(model, name, isSoftmax));
  const values = mix?.inputs.find((name) => name !== pattern);
  const softmax = pattern && behind(model, pattern, isSoftmax);
  const scores = softmax &&
    behind(model, softmax.inputs[0], (node) => node.op === "MatMul" && !linearNode(model, node));
  return output && values && scores ? { output, values, scores } : undefined;
}

/**
 * Weights of the attention that writes a hookpoint such as `blocks.2.hook_attn_out`: separate queries, keys and values,
 * or one product for all of them whose output is cut in three (GPT-2) or cut head by head (NeoX).
 * @throws SdmError for a tensor that no such attention writes
 */
export function attentionWeights(
  model: OnnxModel,
  point: Pick<Hookpoint, "name" | "tensor">,
): AttentionWeights {
  const fail = (found: string): never => {
    throw new SdmError(
      `Cannot read attention weights of "${point.name}" in "${model.name}": ${found}, ` +
        "what an attention of MatMul and Softmax adds to the stream is needed",
      { hint: 'use hook_attn_out, or set dictionary.lorsa_init to "default"' },
    );
  };
  const found = productsOf(model, point.tensor) ?? fail("no such attention leads to it");
  const { output, values, scores } = found;
  const sides = [scores.inputs[0], scores.inputs[1], values];
  const routes = sides.map((name) =>
    routeTo(model, name, new Set()) ?? fail(`"${name}" comes from no weight`)
  );
  const o = projectionOf(model, output);
  const fused = routes[0].linear.node === routes[1].linear.node;
  const dims = routes.map(({ nodes }) =>
    nodes.map(({ node }) => headDims(model, node)).find((d) => d !== undefined)
  );
  const known = dims.find((d) => d !== undefined) ?? fail("the graph does not tell its heads");
  const projections = routes.map((route) => projectionOf(model, route.linear));
  const cut = routes[0].nodes.findIndex(({ node }) => node.op === "Split" || node.op === "Slice");
  const reshape = routes[0].nodes.findIndex(({ node }) => headDims(model, node) !== undefined);
  // A fused product that is reshaped to heads before it is cut has three numbers for each of a head's.
  const width = fused && reshape < cut && projections[0].out === 3 * o.in ? known / 3 : known;
  const [q, k, v] = projections.map((projection, i) =>
    take(projection, fused ? rowsOf(model, routes[i], i, projection.out, width) : all(projection))
  );
  const heads = o.in / width, keyHeads = k.b.length / width;
  const fits = q.b.length === o.in && v.b.length === k.b.length && Number.isInteger(keyHeads) &&
    Number.isInteger(heads / keyHeads);
  if (!fits) fail(`queries have ${q.b.length} numbers, keys ${k.b.length}, heads ${width}`);
  return {
    input: stripShape(model, routes[0].linear.input),
    heads,
    keyHeads,
    width,
    dIn: projections[0].in,
    dOut: o.out,
    q: q.w,
    k: k.w,
    v: v.w,
    o: transposed(o.rows, o.out, o.in),
    bQ: q.b,
    bK: k.b,
    bV: v.b,
    bO: o.bias,
    gainQ: gainOf(model, routes[0], width),
    gainK: gainOf(model, routes[1], width),
  };
}

function all({ out }: Projection): number[] {
  return Array.from({ length: out }, (_, i) => i);
}
