/**
 * Names for the places of a language model, in TransformerLens form, found by the structure of its graph.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { tensorNames } from "./edit.ts";
import { strip, widthOf } from "./infer.ts";
import { expandPatterns, isPattern } from "./patterns.ts";
import type { OnnxModel } from "./model.ts";
import { linearNode, linearOf, normOf } from "./norm.ts";
import { type Branch, findStream, nodesBetween, type StreamStep } from "./stream.ts";
import type { Hookpoint } from "./types.ts";

/** The hookpoints of a model, and why there are none. */
export interface HookpointList {
  /** In order of layer and of computation. */
  hookpoints: Hookpoint[];
  /** Why no canonical names could be given; tensor names always work. */
  trouble?: string;
}

interface Layer {
  steps: StreamStep[];
  attention: { branch: Branch; before: string };
  mlp: { branch: Branch; before: string };
}

/** Blocks of attention and MLP, in turn or side by side. */
function layersOf(steps: readonly StreamStep[]): Layer[] | undefined {
  const layers: Layer[] = [];
  for (let i = 0; i < steps.length;) {
    const width = steps[i].branches.length === 2 ? 1 : 2;
    const own = steps.slice(i, i + width);
    const parts = own.flatMap((step) =>
      step.branches.map((branch) => ({ branch, before: step.before }))
    );
    if (own.length !== width || parts.length !== 2) return undefined;
    const attention = parts.find((part) => part.branch.kind === "attention");
    const mlp = parts.find((part) => part.branch.kind === "mlp");
    if (!attention || !mlp) return undefined;
    if (width === 2 && parts[0] !== attention) return undefined;
    layers.push({ steps: own, attention, mlp });
    i += width;
  }
  return layers;
}

/** The hookpoints that the structure of the graph gives, with the reason when it gives none. */
export function findHookpoints(model: OnnxModel): HookpointList {
  const stream = findStream(model);
  if (stream.trouble !== undefined) return { hookpoints: [], trouble: stream.trouble };
  const layers = layersOf(stream.steps);
  if (!layers) {
    const kinds = stream.steps.map((s) => s.branches.map((b) => b.kind).join("+")).join(", ");
    const trouble = `the residual Adds are not attention and MLP in turn (${kinds})`;
    return { hookpoints: [], trouble };
  }
  const d = streamWidth(model, stream.steps);
  return { hookpoints: layers.flatMap((layer, index) => layerHookpoints(model, layer, index, d)) };
}

/** The hookpoints that the structure of the graph gives; none for a graph of another kind. */
export function listHookpoints(model: OnnxModel): Hookpoint[] {
  return findHookpoints(model).hookpoints;
}

/** Width of the stream: the gain of a norm that reads it, else what any of its tensors tells. */
function streamWidth(model: OnnxModel, steps: readonly StreamStep[]): number | undefined {
  for (const step of steps) {
    for (const reader of model.consumers.get(step.after) ?? []) {
      const gain = reader.outputs[0] && normOf(model, reader.outputs[0])?.gain;
      const dims = gain && model.initializers.get(strip(model, gain))?.dims;
      if (dims) return dims[0];
    }
  }
  for (const step of steps) {
    const width = widthOf(model, step.after) ?? widthOf(model, step.branches[0].tensor);
    if (width) return width;
  }
  return undefined;
}

function layerHookpoints(
  model: OnnxModel,
  layer: Layer,
  index: number,
  d: number | undefined,
): Hookpoint[] {
  const points: Hookpoint[] = [];
  const add = (hook: string, kind: string, tensor: string | undefined, why: string, width = d) => {
    if (tensor === undefined) return;
    const agrees = layerInName(tensor) === index ? "; its name agrees" : "";
    const point: Hookpoint = {
      name: `blocks.${index}.${hook}`,
      tensor,
      layer: index,
      kind,
      why: why + agrees,
    };
    if (width !== undefined) point.d = width;
    points.push(point);
  };
  const { attention, mlp, steps } = layer;
  const attentionOut = linearOf(model, attention.branch.tensor);
  const mlpOut = linearOf(model, mlp.branch.tensor);
  const inputWidth = (linear: typeof mlpOut) =>
    linear && model.initializers.get(linear.weight)?.dims[linear.outFirst ? 1 : 0];
  const norm = normInput(model, mlp.before, mlp.branch.tensor);
  const attentionNorm = normInput(model, attention.before, attention.branch.tensor);
  add("hook_resid_pre", "resid_pre", steps[0].before, "residual stream that enters the block");
  add(
    "attn.hook_in",
    "attn_in",
    attentionNorm,
    "norm of the stream, input of the attention's first product",
  );
  add(
    "attn.hook_z",
    "z",
    attentionOut?.input,
    "input of the attention's last product",
    inputWidth(attentionOut),
  );
  add("hook_attn_out", "attn_out", attention.branch.tensor, "branch with a softmax, added");
  if (steps.length === 2) {
    add("hook_resid_mid", "resid_mid", steps[0].after, "residual stream after attention is added");
  }
  add("mlp.hook_in", "mlp_in", norm, "norm of the stream, input of the MLP's first product");
  add(
    "mlp.hook_post",
    "mlp_hidden",
    mlpOut?.input,
    "input of the MLP's last product",
    inputWidth(mlpOut),
  );
  add("hook_mlp_out", "mlp_out", mlp.branch.tensor, "branch without a softmax, added");
  add(
    "hook_resid_post",
    "resid_post",
    steps.at(-1)!.after,
    "residual stream that leaves the block",
  );
  return points;
}

/** The layer number in a tensor's name: `/transformer/h.3/Add_output_0`, `/model/layers.3/…`. */
function layerInName(tensor: string): number | undefined {
  const found = /(?:^|[./])(?:h|layers?|blocks?)[./](\d+)(?:[./]|$)/.exec(tensor);
  return found ? Number(found[1]) : undefined;
}

/** The norm of `before` that a weight matrix of the branch is applied to. */
function normInput(model: OnnxModel, before: string, branch: string): string | undefined {
  for (const node of nodesBetween(model, before, branch)) {
    if (node.op !== "MatMul" && node.op !== "Gemm") continue;
    const linear = linearNode(model, node);
    if (linear && normOf(model, linear.input)?.input === before) return linear.input;
  }
  return undefined;
}

/**
 * The hookpoint called `name`: a canonical name, or any tensor of the graph as a raw one.
 * @throws SdmError with the nearest names when there is neither
 */
export function resolveHookpoint(model: OnnxModel, name: string): Hookpoint {
  return resolveHookpoints(model, [name])[0];
}

/** The hookpoints called `names`, as {@link resolveHookpoint} finds each. */
export function resolveHookpoints(model: OnnxModel, names: readonly string[]): Hookpoint[] {
  const list = findHookpoints(model);
  const canonical = new Map(list.hookpoints.map((point) => [point.name, point]));
  const tensors = new Set(tensorNames(model));
  return names.map((name) => {
    const found = canonical.get(name) ?? (tensors.has(name) ? rawPoint(model, name) : undefined);
    if (!found) throw unknownHookpoint(model, name, list);
    return found;
  });
}

/**
 * The hookpoints that names and patterns mean, in order; `*` in a pattern stands for anything between two dots, so that
 * `blocks.*.hook_mlp_out` means the MLP outputs of all layers.
 * @throws SdmError when there is no such hookpoint, or a pattern means none
 */
export function expandHookpoints(model: OnnxModel, names: readonly string[]): Hookpoint[] {
  const known = names.some(isPattern) ? findHookpoints(model).hookpoints.map((p) => p.name) : [];
  const doing = `Cannot find hookpoints in "${model.name}"`;
  return resolveHookpoints(model, expandPatterns(names, known, doing));
}

function rawPoint(model: OnnxModel, tensor: string): Hookpoint {
  const point: Hookpoint = { name: tensor, tensor, kind: "raw", why: "a tensor of the graph" };
  const d = widthOf(model, tensor);
  if (d !== undefined) point.d = d;
  return point;
}

function unknownHookpoint(model: OnnxModel, name: string, list: HookpointList): SdmError {
  const doing = `Cannot find hookpoint "${name}" in "${model.name}"`;
  const options = { hint: `sdm hooks ${model.name}` };
  // The names of the exporters have slashes, the canonical ones have none.
  const raw = name.includes("/");
  if (list.trouble !== undefined && !raw) {
    return new SdmError(`${doing}: ${list.trouble}, the name of a tensor is needed`, options);
  }
  const known = raw ? tensorNames(model) : list.hookpoints.map((point) => point.name);
  const near = didYouMean(name, known);
  return new SdmError(
    `${doing}: ${near || "the name of a hookpoint or of a tensor is needed"}`,
    options,
  );
}
