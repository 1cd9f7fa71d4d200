/**
 * Element types and shapes of all tensors of a graph, as far as the graph tells: one walk from the inputs to the
 * outputs. Sizes that depend on the text stay symbols: `batch_size`, `sequence_length`.
 * @module
 */
import type { OnnxModel } from "./model.ts";
import { orderOf } from "./order.ts";
import { shapeRule } from "./shape_rules.ts";
import { type Dim, type TensorFacts, weightFacts } from "./shape_types.ts";
import { attributeOf } from "./tensors.ts";

const tables = new WeakMap<OnnxModel, Map<string, TensorFacts>>();

/** Facts of a tensor; an empty record for an unknown one. */
export function factsOf(model: OnnxModel, tensor: string): TensorFacts {
  let table = tables.get(model);
  if (!table) tables.set(model, table = infer(model));
  return table.get(tensor) ?? {};
}

function infer(model: OnnxModel): Map<string, TensorFacts> {
  const table = new Map<string, TensorFacts>();
  for (const value of model.inputs) {
    table.set(value.name, { elemType: value.elemType, dims: value.dims });
  }
  for (const tensor of model.initializers.values()) table.set(tensor.name, weightFacts(tensor));
  const opset = model.opsets[""] ?? 0;
  for (const node of orderOf(model).nodes) {
    const made = shapeRule({
      node,
      input: (i) => table.get(node.inputs[i] ?? "") ?? {},
      int: (name) => attributeOf(node, name)?.int,
      opset,
    });
    node.outputs.forEach((name, i) => {
      if (name !== "") table.set(name, bounded(declared(model, name, made[i] ?? {})));
    });
  }
  return table;
}

/** Axes of a tensor, numbers that are followed, letters of a size: in a damaged graph they grow with every node. */
const AXES = 64, NUMBERS = 4096, LETTERS = 400;

/** Facts of a sensible size; what a rule did not find where it looked is not known. */
function bounded(facts: TensorFacts): TensorFacts {
  const isSize = (dim: Dim | undefined) =>
    typeof dim === "string" ? dim.length <= LETTERS : Number.isFinite(dim);
  const shorter = (dims: Dim[] | undefined, most: number) =>
    dims && dims.length <= most
      ? Array.from(dims, (dim): Dim => isSize(dim) ? dim : "?")
      : undefined;
  return { ...facts, dims: shorter(facts.dims, AXES), ints: shorter(facts.ints, NUMBERS) };
}

/** What the file declares goes before what was inferred. */
function declared(model: OnnxModel, name: string, found: TensorFacts): TensorFacts {
  const value = model.values.get(name);
  if (!value) return found;
  const { dims } = found;
  const known = value.dims?.map((dim, axis) => {
    const other = dims?.length === value.dims!.length ? dims[axis] : undefined;
    return typeof dim === "number" && dim >= 0 ? dim : other ?? dim;
  });
  return { ...found, elemType: value.elemType || found.elemType, dims: known ?? dims };
}
