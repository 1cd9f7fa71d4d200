/**
 * The hookpoints of one block of a residual stream.
 * @module
 */
import { attentionParts } from "./attention_parts.ts";
import { strip, stripRows } from "./infer.ts";
import type { OnnxModel, OnnxNode } from "./model.ts";
import { normOf } from "./norm.ts";
import { nodesBetween } from "./order.ts";
import { type Linear, linearNode, linearOf } from "./products.ts";
import { factsOf } from "./shapes.ts";
import type { Stream } from "./stream.ts";
import type { Block } from "./stream_blocks.ts";

/** A hookpoint before anyone asked how sure it is. */
export interface FoundPoint {
  /** Canonical name without the block, such as `attn.hook_in`. */
  hook: string;
  /** As in Hookpoint. */
  kind: string;
  /** Name of the tensor. */
  tensor: string;
  /** Why, one short clause. */
  why: string;
  /** Width that the place must have; undefined when nothing else tells it. */
  width?: number;
}

/** What a branch does with the stream: the norm or the stream itself that its first products read. */
interface Entry {
  tensor: string;
  normed: boolean;
}

/** The hookpoints of a block, in order of computation. */
export function blockPoints(model: OnnxModel, stream: Stream, block: Block): FoundPoint[] {
  const { attention, mlp, steps } = block;
  const d = streamWidth(model, stream);
  const post = stream.kind === "post";
  const within = nodesBetween(model, attention.before, attention.branch.tensor);
  const attentionIn = entryOf(model, attention.before, within);
  const mlpIn = entryOf(
    model,
    mlp.before,
    nodesBetween(model, mlp.before, mlp.branch.tensor),
  );
  const attentionOut = lastProduct(model, attention.branch.tensor, within);
  const mlpOut = linearOf(model, mlp.branch.tensor);
  const points: FoundPoint[] = [];
  const add = (
    hook: string,
    kind: string,
    tensor: string | undefined,
    why: string,
    width?: number,
  ) => {
    if (tensor !== undefined) points.push({ hook, kind, tensor, why, width });
  };
  const stays = post ? "norm of the sum" : "residual stream";
  const reads = (entry: Entry | undefined, of: string) =>
    entry?.normed
      ? `norm of the stream, input of the ${of}'s first product`
      : `the stream itself, input of the ${of}'s first product`;
  add("hook_resid_pre", "resid_pre", steps[0].before, `${stays} that enters the block`, d);
  add("attn.hook_in", "attn_in", attentionIn?.tensor, reads(attentionIn, "attention"), d);
  if (attentionIn) {
    for (const part of attentionParts(model, within, attentionIn.tensor)) {
      add(`attn.hook_${part.kind}`, part.kind, part.tensor, part.why);
    }
  }
  add(
    "attn.hook_z",
    "z",
    attentionOut?.input,
    "input of the attention's last product",
    attentionOut?.in,
  );
  add(
    "hook_attn_out",
    "attn_out",
    attention.branch.tensor,
    `branch with ${signOf(attention)}, added`,
    d,
  );
  if (steps.length === 2) {
    add("hook_resid_mid", "resid_mid", steps[0].after, `${stays} after attention is added`, d);
  }
  add("mlp.hook_in", "mlp_in", mlpIn?.tensor, reads(mlpIn, "MLP"), d);
  add("mlp.hook_post", "mlp_hidden", mlpOut?.input, "input of the MLP's last product", mlpOut?.in);
  add("hook_mlp_out", "mlp_out", mlp.branch.tensor, `branch with ${signOf(mlp)}, added`, d);
  add("hook_resid_post", "resid_post", steps.at(-1)!.after, `${stays} that leaves the block`, d);
  return points;
}

function signOf(part: Block["mlp"]): string {
  return part.branch.sign;
}

/** Width of the stream: the gain of the norm at its end, else what its tensors tell. */
export function streamWidth(model: OnnxModel, stream: Stream): number | undefined {
  const gain = normOf(model, stream.norm)?.gain;
  const own = gain === undefined ? undefined : factsOf(model, gain).dims?.at(-1);
  if (typeof own === "number") return own;
  for (const step of stream.steps) {
    for (const tensor of [step.sum, step.branches[0].tensor]) {
      const width = factsOf(model, tensor).dims?.at(-1);
      if (typeof width === "number") return width;
    }
  }
  return undefined;
}

/** The product with a weight that ends an attention, or the fused operator's reader. */
function lastProduct(
  model: OnnxModel,
  tensor: string,
  within: readonly OnnxNode[],
): Linear | undefined {
  const linear = linearOf(model, tensor);
  return linear && within.includes(linear.node) ? linear : undefined;
}

/** The norm of `before`, or `before` itself, that the first products of a branch read. */
function entryOf(
  model: OnnxModel,
  before: string,
  within: readonly OnnxNode[],
): Entry | undefined {
  for (const node of within) {
    const input = firstInput(model, node);
    if (input === undefined) continue;
    if (stripRows(model, input) === before) return { tensor: before, normed: false };
    const norm = normOf(model, input);
    if (norm && stripRows(model, norm.input) === before) return { tensor: input, normed: true };
  }
  return undefined;
}

/** What a node of a branch reads when it is a product with a weight. */
function firstInput(model: OnnxModel, node: OnnxNode): string | undefined {
  const linear = linearNode(model, node);
  if (linear) return linear.input;
  const holdsWeight = /^Q?Attention$/.test(node.op) && node.domain !== "";
  return holdsWeight || /MoE$/.test(node.op) ? strip(model, node.inputs[0]) : undefined;
}
