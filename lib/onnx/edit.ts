/**
 * Rewriting a model so that it computes chosen tensors and nothing else.
 *
 * The nodes and weights that stay are the file's own bytes; only the list of them changes.
 * @module
 */
import { didYouMean } from "../base/nearest.ts";
import { SdmError } from "../base/errors.ts";
import { withoutCaches } from "./caches.ts";
import { elemTypeOf } from "./infer.ts";
import { ELEM, type OnnxModel, type OnnxNode } from "./model.ts";
import { changeModel, intAttribute, makeNode, writeModel } from "./write.ts";

/** A rewritten model. */
export interface TappedModel {
  /** Its lists. */
  model: OnnxModel;
  /** The ONNX file; written when asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Output that carries each asked tensor, in the order asked. */
  outputs: string[];
  /** Names of the declared inputs that are still needed. */
  inputs: string[];
}

/** What stays when only `tensors` are wanted: names of tensors that are needed, and the nodes that make them. */
function reachable(
  model: OnnxModel,
  tensors: readonly string[],
): { names: Set<string>; nodes: Set<OnnxNode> } {
  const names = new Set<string>(), nodes = new Set<OnnxNode>();
  const todo = [...tensors];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || names.has(name)) continue;
    names.add(name);
    const node = model.producers.get(name);
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    todo.push(...node.inputs, ...node.captures);
  }
  return { names, nodes };
}

/** Every tensor that can be an output: those made by nodes, declared inputs and weights. */
export function tensorNames(model: OnnxModel): string[] {
  return [
    ...model.producers.keys(),
    ...model.inputs.map((input) => input.name),
    ...model.initializers.keys(),
  ];
}

/**
 * A model whose outputs are `tensors`, as float32: what is not FLOAT already gets a Cast behind it.
 * @throws SdmError for a name that the graph does not have, and for text tensors
 */
export function tapOutputs(model: OnnxModel, tensors: readonly string[]): TappedModel {
  const known = tensorNames(model), knownSet = new Set(known);
  const casts: OnnxNode[] = [];
  const outputOf = new Map<string, string>();
  for (const tensor of new Set(tensors)) {
    if (!knownSet.has(tensor)) {
      const hint = didYouMean(tensor, known);
      throw new SdmError(
        `Cannot tap "${tensor}": model "${model.name}" has no tensor of that name` +
          (hint ? `, ${hint}` : ", a tensor of its graph is needed"),
      );
    }
    const type = elemTypeOf(model, tensor);
    if (type === ELEM.STRING) {
      throw new SdmError(`Cannot tap "${tensor}": it holds text, a tensor of numbers is needed`);
    }
    let output = tensor;
    if (type !== ELEM.FLOAT || !model.producers.has(tensor)) {
      // Half precision has no array type in some runtimes and bfloat16 in none; an unknown type may be either.
      output = `${tensor}/sdm_float32`;
      casts.push(
        makeNode("Cast", [tensor], [output], { fields: [intAttribute("to", ELEM.FLOAT)] }),
      );
    }
    outputOf.set(tensor, output);
  }
  const kept = pruneModel(model, [...outputOf.keys()]);
  const tapped = changeModel(kept, {
    nodes: [...kept.nodes, ...casts],
    // What a file declares of its shape is not repeated: some exporters declare it wrongly.
    outputs: [...outputOf.values()].map((name) => ({ name, elemType: ELEM.FLOAT })),
  });
  return {
    model: tapped,
    get bytes() {
      return writeModel(tapped);
    },
    outputs: tensors.map((tensor) => outputOf.get(tensor)!),
    inputs: tapped.inputs.map((input) => input.name),
  };
}

/**
 * The model with only what `outputs` need, and those as its outputs. An output that `model.values` does not know is declared
 * by its name alone.
 */
function pruneModel(model: OnnxModel, outputs: readonly string[]): OnnxModel {
  const { names, nodes } = reachable(model, outputs);
  const values = new Map([...model.values].filter(([name]) => names.has(name)));
  return changeModel(model, {
    nodes: model.nodes.filter((node) => nodes.has(node)).map((node) => withoutCaches(node, names)),
    initializers: new Map([...model.initializers].filter(([name]) => names.has(name))),
    inputs: model.inputs.filter((input) => names.has(input.name)),
    outputs: outputs.map((name) => values.get(name) ?? { name }),
    values,
    rest: model.rest.filter(({ tensor }) => tensor === undefined || names.has(tensor)),
  });
}
