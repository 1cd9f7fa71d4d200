/**
 * Refuses graphs that no runtime could run, in words that name the node and the tensor.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnnxInitializer, OnnxModel, OnnxNode } from "./model.ts";
import { readFields } from "./protobuf.ts";
import { dataBytes } from "./tensors.ts";

/** Number of the field of a ModelProto that holds a function. */
const FUNCTION = 25;

/**
 * Checks names, order, operator sets and sizes of weights; linear in the size of the graph.
 * @throws SdmError that names the node or tensor that is wrong
 */
export function checkModel(model: OnnxModel): void {
  checkOpsets(model);
  checkNames(model);
  checkOrder(model);
  for (const tensor of model.initializers.values()) checkWeight(model, tensor);
}

function refuse(model: OnnxModel, found: string, needed: string): SdmError {
  return new SdmError(`Cannot read ONNX model "${model.name}": ${found}, ${needed}`);
}

/** A name in quotes for an error; damaged ones hold anything. */
function quoted(name: string): string {
  const shown = name.replace(/\p{Cc}/gu, "\ufffd");
  return `"${shown.length > 120 ? `${shown.slice(0, 120)}…` : shown}"`;
}

/** A node for people: its name when it has one, and its operator. */
export function nodeLabel(node: OnnxNode): string {
  const op = quoted(node.op).slice(1, -1);
  return `node ${node.name ? quoted(node.name) : node.index} (${op})`;
}

function checkOpsets(model: OnnxModel): void {
  const hasFunctions = model.outer.some((field) => readFields(field)[0].number === FUNCTION);
  for (const node of model.nodes) {
    if (node.op === "") {
      throw refuse(model, `node ${node.index} has no operator`, "a whole graph is needed");
    }
    const domain = node.domain === "ai.onnx" ? "" : node.domain;
    // Functions of the model itself may be of any domain.
    if (domain in model.opsets || hasFunctions) continue;
    const set = domain === "" ? "ONNX's own operators" : `operators of ${quoted(domain)}`;
    const found = `${nodeLabel(node)} uses ${set}`;
    throw refuse(model, found, "the file has to say of which version");
  }
}

function checkNames(model: OnnxModel): void {
  const given = new Map<string, string>();
  for (const { name } of model.inputs) {
    if (given.has(name)) {
      throw refuse(model, `it declares input ${quoted(name)} twice`, "names have to differ");
    }
    given.set(name, "an input");
  }
  for (const name of model.initializers.keys()) given.set(name, "a weight");
  for (const { number, tensor } of model.rest) {
    if (number === 15 && tensor) given.set(tensor, "a sparse weight");
  }
  const made = new Map<string, string | OnnxNode>(given);
  for (const node of model.nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      const maker = made.get(name);
      if (maker !== undefined) {
        const other = typeof maker === "string" ? maker : `an output of ${nodeLabel(maker)}`;
        const found = `${nodeLabel(node)} makes tensor ${quoted(name)}, which ${other} is too`;
        throw refuse(model, found, "each tensor has to come from one place");
      }
      made.set(name, node);
    }
  }
  for (const node of model.nodes) {
    const isMissing = (name: string) => name !== "" && !made.has(name);
    const missing = node.inputs.find(isMissing) ?? node.captures.find(isMissing);
    if (missing === undefined) continue;
    const found = `${nodeLabel(node)} reads tensor ${quoted(missing)}`;
    throw refuse(model, found, "a node, weight or input of that name is needed");
  }
  for (const { name } of model.outputs) {
    if (made.has(name)) continue;
    throw refuse(
      model,
      `its output ${quoted(name)} is made by no node`,
      "a node, weight or input of that name is needed",
    );
  }
}

/** Refuses a graph in which a node waits for itself. */
function checkOrder(model: OnnxModel): void {
  const waits = new Map<OnnxNode, number>();
  const ready: OnnxNode[] = [];
  for (const node of model.nodes) {
    const count = madeInputs(model, node).length;
    waits.set(node, count);
    if (count === 0) ready.push(node);
  }
  let done = 0;
  for (let node = ready.pop(); node; node = ready.pop()) {
    done++;
    for (const output of node.outputs) {
      for (const reader of (output && model.consumers.get(output)) || []) {
        const left = waits.get(reader)! - 1;
        waits.set(reader, left);
        if (left === 0) ready.push(reader);
      }
    }
  }
  if (done === model.nodes.length) return;
  const found = `${nodeLabel(onCircle(model, waits))} depends on its own output`;
  throw refuse(model, found, "a graph without circles is needed");
}

/** Tensors made by nodes that a node reads, each once. */
function madeInputs(model: OnnxModel, node: OnnxNode): string[] {
  const made: string[] = [];
  for (const names of [node.inputs, node.captures]) {
    for (const name of names) {
      if (model.producers.has(name) && !made.includes(name)) made.push(name);
    }
  }
  return made;
}

/** A node of a circle: walking back from one that still waits along others that do ends in one. */
function onCircle(model: OnnxModel, waits: ReadonlyMap<OnnxNode, number>): OnnxNode {
  const stuck = (candidate: OnnxNode) => waits.get(candidate)! > 0;
  const seen = new Set<OnnxNode>();
  let node = model.nodes.find(stuck)!;
  while (!seen.has(node)) {
    seen.add(node);
    const makers = madeInputs(model, node).map((name) => model.producers.get(name)!);
    node = makers.find(stuck)!;
  }
  return node;
}

/** Refuses a weight whose shape is no shape or whose data has another size. */
function checkWeight(model: OnnxModel, tensor: OnnxInitializer): void {
  const { name, dims, external } = tensor;
  const shape = `[${dims.slice(0, 8).join(", ")}${dims.length > 8 ? ", …" : ""}]`;
  const label = `tensor ${quoted(name)} of shape ${shape}`;
  const needed = dataBytes(tensor);
  const sensible = dims.every((dim) => dim >= 0) && Number.isSafeInteger(needed ?? 0);
  if (!sensible) throw refuse(model, `${label} has no size`, "counts from 0 on are needed");
  if (needed === undefined || external) return;
  const raw = readFields(tensor.bytes).filter((field) => field.number === 9 && field.wire === 2);
  if (raw.length === 0) return;
  const last = raw[raw.length - 1];
  const bytes = last.end - last.data;
  if (bytes !== needed) {
    throw refuse(model, `${label} has ${bytes} bytes of data`, `it needs ${needed}`);
  }
}
