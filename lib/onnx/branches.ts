/**
 * Merged decoders: a graph whose output comes from an `If` that chooses between a decoder with a cache and one without.
 * @module
 */
import type { OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { fieldBytes, fieldMessage, fieldText, readFields } from "./protobuf.ts";
import { readGraph } from "./read.ts";
import { changeModel, makeNode } from "./write.ts";

/** Inputs that carry what earlier tokens left behind. */
const PAST = /^past(_key_values)?[._]/;
/** Merged decoders inside merged decoders are followed this far. */
const DEPTH = 4;

/**
 * The model with the branch that has no past in place of the `If` that makes its main output; caches and the switch between
 * the branches are no inputs any more. A model without such an `If` is given back as it is.
 */
export function takeBranches(model: OnnxModel): OnnxModel {
  let current = model;
  for (let depth = 0; depth < DEPTH; depth++) {
    const node = mergedDecoder(current);
    const branch = node && plainBranch(current, node);
    if (!branch) return current;
    current = inlined(current, node, branch);
  }
  return current;
}

/** The `If` that makes logits or hidden states. */
function mergedDecoder(model: OnnxModel): OnnxNode | undefined {
  const names = model.outputs.map((output) => output.name);
  const main = ["logits", "last_hidden_state"].find((name) => names.includes(name)) ?? names[0];
  const node = main === undefined ? undefined : model.producers.get(main);
  return node?.op === "If" ? node : undefined;
}

/** The subgraph that is taken when there is no past: by the switch's name, else the only one that reads no cache. */
function plainBranch(model: OnnxModel, node: OnnxNode): OnnxModel | undefined {
  const branches = new Map<string, OnnxModel>();
  for (const field of readFields(node.bytes)) {
    if (field.number !== 5) continue;
    const parts = fieldMessage(node.bytes, field);
    const name = parts.find((part) => part.number === 1);
    const graph = parts.find((part) => part.number === 6);
    if (!name || !graph) continue;
    const branch = readGraph(fieldBytes(node.bytes, graph), model.name);
    branches.set(fieldText(node.bytes, name), branch);
  }
  const switched = model.inputs.some((input) => input.name === node.inputs[0]);
  if (switched && /^use_(cache|past)/.test(node.inputs[0])) return branches.get("else_branch");
  const plain = [...branches.values()].filter((branch) => {
    return ![...branch.consumers.keys()].some((name) => PAST.test(name));
  });
  return plain.length === 1 ? plain[0] : undefined;
}

/** `model` with the contents of `branch` where `node` stands. */
function inlined(model: OnnxModel, node: OnnxNode, branch: OnnxModel): OnnxModel {
  const nodes = [...branch.nodes];
  for (const [i, output] of node.outputs.entries()) {
    const inner = branch.outputs[i]?.name;
    // One tensor may be several outputs, and an output may be a tensor of the outer graph.
    if (output && inner && output !== inner) nodes.push(makeNode("Identity", [inner], [output]));
  }
  const values = new Map<string, OnnxValue>([...branch.values, ...model.values]);
  const changed = changeModel(model, {
    nodes: model.nodes.flatMap((other) => other === node ? nodes : [other]),
    initializers: new Map([...model.initializers, ...branch.initializers]),
    values,
    rest: [...model.rest, ...branch.rest.filter(({ tensor }) => tensor !== undefined)],
  });
  return withoutPast(changed, node.inputs[0]);
}

/** The model without the inputs that only the other branch read. */
function withoutPast(model: OnnxModel, condition: string): OnnxModel {
  const inputs = model.inputs.filter(({ name }) => {
    return model.consumers.has(name) || (name !== condition && !PAST.test(name));
  });
  return changeModel(model, { inputs });
}
