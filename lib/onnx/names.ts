/**
 * Names as hints: the layer number in what an exporter calls a tensor, and short forms of hookpoint names.
 * @module
 */
import type { OnnxModel } from "./model.ts";
import { nodeMetadata } from "./tensors.ts";

const PLACES: Readonly<Record<string, string>> = {
  resid_pre: "hook_resid_pre",
  resid_mid: "hook_resid_mid",
  resid_post: "hook_resid_post",
  attn_in: "attn.hook_in",
  attn_out: "hook_attn_out",
  mlp_in: "mlp.hook_in",
  mlp_out: "hook_mlp_out",
  mlp_hidden: "mlp.hook_post",
  mlp_post: "mlp.hook_post",
  "mlp.in": "mlp.hook_in",
  "mlp.post": "mlp.hook_post",
  "attn.in": "attn.hook_in",
  q: "attn.hook_q",
  k: "attn.hook_k",
  v: "attn.hook_v",
  z: "attn.hook_z",
  qkv: "attn.hook_qkv",
};

/**
 * The canonical form of a hookpoint's name or pattern: `blocks.3.mlp_in` is `blocks.3.mlp.hook_in`. Other names come back
 * as they are; so does TransformerLens' `hook_mlp_in`, which is the stream before its norm.
 */
export function canonicalName(name: string): string {
  const found = /^blocks\.(\d+|\*)\.(.+)$/.exec(name);
  if (!found) return name;
  const long = PLACES[found[2]] ?? PLACES[found[2].replace(/^attn\.(?=[qkvz])/, "")];
  return long ? `blocks.${found[1]}.${long}` : name;
}

/** The layer number in a tensor's name or module path: `/transformer/h.3/Add_output_0`, `model.layers.3.mlp`. */
export function layerInName(name: string): number | undefined {
  const found = /(?:^|[./])(?:h|layers?|blocks?)[./](\d+)(?:[./]|$)/.exec(name);
  return found ? Number(found[1]) : undefined;
}

/** Module path of the node that makes a tensor, as the dynamo exporter notes it; undefined without one. */
export function scopeOf(model: OnnxModel, tensor: string): string | undefined {
  const node = model.producers.get(tensor);
  if (!node) return undefined;
  const scopes = nodeMetadata(node).get("pkg.torch.onnx.name_scopes");
  // A Python list of strings; the last but one is the module, the last the node itself.
  return scopes === undefined ? undefined : pythonStrings(scopes).at(-2);
}

/** The strings of a Python list's text. */
function pythonStrings(text: string): string[] {
  const found = text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g);
  return [...found].map((match) => (match[1] ?? match[2]).replace(/\\(.)/g, "$1"));
}
