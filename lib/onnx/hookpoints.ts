/**
 * Names for the places of a language model, in TransformerLens form, found by the structure of its graph.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { tensorNames } from "./edit.ts";
import { pointsOf } from "./evidence.ts";
import { elemName, widthOf } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { canonicalName } from "./names.ts";
import { expandPatterns, isPattern } from "./patterns.ts";
import { factsOf } from "./shapes.ts";
import { findStream } from "./stream.ts";
import type { Hookpoint } from "./types.ts";

/** The hookpoints of a model, and why there are none. */
export interface HookpointList {
  /** In order of layer and of computation. */
  hookpoints: Hookpoint[];
  /** Why no canonical names could be given; tensor names always work. */
  trouble?: string;
}

const lists = new WeakMap<OnnxModel, HookpointList>();

/** The hookpoints that the structure of the graph gives, with the reason when it gives none; worked out once. */
export function findHookpoints(model: OnnxModel): HookpointList {
  let list = lists.get(model);
  if (!list) {
    const stream = findStream(model);
    list = stream.trouble === undefined
      ? { hookpoints: pointsOf(model, stream) }
      : { hookpoints: [], trouble: stream.trouble };
    lists.set(model, list);
  }
  return list;
}

/** The hookpoints that the structure of the graph gives; none for a graph of another kind. */
export function listHookpoints(model: OnnxModel): Hookpoint[] {
  return findHookpoints(model).hookpoints;
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
    const found = canonical.get(name) ?? canonical.get(canonicalName(name)) ??
      (tensors.has(name) ? rawPoint(model, name) : undefined);
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
  const wanted = names.map((name) => isPattern(name) ? canonicalName(name) : name);
  return resolveHookpoints(model, expandPatterns(wanted, known, doing));
}

function rawPoint(model: OnnxModel, tensor: string): Hookpoint {
  const facts = factsOf(model, tensor);
  const point: Hookpoint = {
    name: tensor,
    tensor,
    kind: "raw",
    why: "a tensor of the graph",
    dtype: elemName(facts.elemType),
    confidence: "certain",
    evidence: ["named by the user"],
  };
  if (facts.dims) point.shape = facts.dims;
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
  const near = didYouMean(raw ? name : canonicalName(name), known);
  return new SdmError(
    `${doing}: ${near || "the name of a hookpoint or of a tensor is needed"}`,
    options,
  );
}
