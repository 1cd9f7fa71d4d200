/**
 * The weights of a model's own attention, read out of the initialisers of its graph.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { constantInts, stripShape } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import {
  all,
  attentionOf,
  type AttentionWeights,
  projectionOf,
  type Route,
  routeTo,
  take,
} from "./attention_projection.ts";
import { fusedAttention } from "./attention_fused.ts";
import { isActivationProduct, linearNode, linearOf } from "./products.ts";
import type { Hookpoint } from "./types.ts";

export type { AttentionWeights } from "./attention_projection.ts";

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
      if (!linearNode(model, node)) next.push(...node.inputs.filter((input) => input !== ""));
    }
    names = next;
  }
  return undefined;
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

/** Products of attention: mixed values, scores, and the last product with a weight. */
function productsOf(model: OnnxModel, tensor: string) {
  const output = linearOf(model, tensor);
  const mix = output &&
    behind(model, output.input, (node) => isActivationProduct(model, node));
  const isSoftmax = (node: OnnxNode) => node.op === "Softmax";
  const pattern = mix?.inputs.find((name) => behind(model, name, isSoftmax));
  const values = mix?.inputs.find((name) => name !== pattern);
  const softmax = pattern && behind(model, pattern, isSoftmax);
  const scores = softmax &&
    behind(model, softmax.inputs[0], (node) => isActivationProduct(model, node));
  return output && values && scores ? { output, values, scores } : undefined;
}

/**
 * Weights of the attention that writes a hookpoint such as `blocks.2.hook_attn_out`: separate queries, keys and values,
 * one product for all of them whose output is cut in three (GPT-2) or cut head by head (NeoX), or a fused operator.
 * @throws SdmError for a tensor that no such attention writes
 */
export function attentionWeights(
  model: OnnxModel,
  point: Pick<Hookpoint, "name" | "tensor">,
): AttentionWeights {
  const fail = (found: string): never => {
    throw new SdmError(
      `Cannot read attention weights of "${point.name}" in "${model.name}": ${found}, ` +
        "what an attention with float weights adds to the stream is needed",
      { hint: 'use hook_attn_out, or set dictionary.lorsa_init to "default"' },
    );
  };
  const last = linearOf(model, point.tensor);
  if (last?.packed !== undefined) fail(`its weights are quantised (${last.packed})`);
  const whole = fusedAttention(model, point.tensor);
  if (typeof whole === "string") fail(whole);
  if (typeof whole === "object") return whole;
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
  return attentionOf(model, {
    input: stripShape(model, routes[0].linear.input),
    heads,
    keyHeads,
    width,
    taken: [q, k, v],
    dIn: projections[0].in,
    output: o,
    routes,
  });
}
