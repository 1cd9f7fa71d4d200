/**
 * An order in which a graph can be computed, how deep each tensor lies in it, and which tensors never change.
 * @module
 */
import type { OnnxModel, OnnxNode } from "./model.ts";

/** What one walk over the graph tells; linear in its size. */
export interface GraphOrder {
  /** Nodes, each behind those that it reads; nodes on a circle are left out. */
  nodes: OnnxNode[];
  /** Longest way from an input or a weight, by tensor; shapes do not count. */
  depth: Map<string, number>;
  /** Tensors that depend on no input of the graph. */
  constants: Set<string>;
}

/** Operators that read a tensor's shape and none of its values. */
const SHAPE_ONLY = new Set(["Shape", "Size"]);
const orders = new WeakMap<OnnxModel, GraphOrder>();

/** The tensors whose values a node reads. */
export function valueInputs(node: OnnxNode): string[] {
  if (SHAPE_ONLY.has(node.op)) return [];
  return [...node.inputs, ...node.captures].filter((name) => name !== "");
}

/** The order of a graph, worked out once. */
export function orderOf(model: OnnxModel): GraphOrder {
  const known = orders.get(model);
  if (known) return known;
  const order = sorted(model);
  orders.set(model, order);
  return order;
}

function sorted(model: OnnxModel): GraphOrder {
  const { producers, consumers, initializers } = model;
  const waits = new Map<OnnxNode, number>();
  const ready: OnnxNode[] = [];
  for (const node of model.nodes) {
    const made = new Set(
      [...node.inputs, ...node.captures].filter((name) => producers.has(name)),
    );
    waits.set(node, made.size);
    if (made.size === 0) ready.push(node);
  }
  const nodes: OnnxNode[] = [], depth = new Map<string, number>();
  const constants = new Set(initializers.keys());
  const push = (node: OnnxNode) => {
    const inputs = valueInputs(node);
    let deepest = 0;
    for (const name of inputs) deepest = Math.max(deepest, depth.get(name) ?? 0);
    const fixed = [...node.inputs, ...node.captures].every((n) => n === "" || constants.has(n)) &&
      !node.op.startsWith("Random");
    nodes.push(node);
    for (const name of node.outputs) {
      if (name === "") continue;
      depth.set(name, deepest + 1);
      if (fixed) constants.add(name);
    }
  };
  for (let at = 0; at < ready.length; at++) {
    const node = ready[at];
    push(node);
    for (const name of node.outputs) {
      for (const reader of name === "" ? [] : consumers.get(name) ?? []) {
        const left = waits.get(reader)! - 1;
        waits.set(reader, left);
        if (left === 0) ready.push(reader);
      }
    }
  }
  return { nodes, depth, constants };
}

/** Does no input of the graph reach `tensor`? */
export function isConstant(model: OnnxModel, tensor: string): boolean {
  return orderOf(model).constants.has(tensor);
}

/** All tensors that `tensor` is computed from by value, itself included. */
export function ancestors(model: OnnxModel, tensor: string): Set<string> {
  const seen = new Set<string>([tensor]);
  const todo = [tensor];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const node = model.producers.get(name);
    for (const input of node ? valueInputs(node) : []) {
      if (seen.has(input)) continue;
      seen.add(input);
      todo.push(input);
    }
  }
  return seen;
}

/**
 * Is `wanted` computed into `tensor`? What is not deeper than `wanted` cannot hold it and is not looked at, so that
 * the walk stays within one layer.
 */
export function isAncestor(model: OnnxModel, wanted: string, tensor: string): boolean {
  const { depth } = orderOf(model);
  const floor = depth.get(wanted) ?? 0;
  const seen = new Set<string>([tensor]);
  const todo = [tensor];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const node = model.producers.get(name);
    for (const input of node ? valueInputs(node) : []) {
      if (input === wanted) return true;
      if (seen.has(input) || (depth.get(input) ?? 0) <= floor) continue;
      seen.add(input);
      todo.push(input);
    }
  }
  return false;
}

/** The nodes on the ways from `from` to `to`, in an order in which they can be computed. */
export function nodesBetween(model: OnnxModel, from: string, to: string): OnnxNode[] {
  const { depth } = orderOf(model);
  const floor = depth.get(from) ?? 0;
  const region = new Map<OnnxNode, number>();
  const todo = [to];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const node = name === from ? undefined : model.producers.get(name);
    const own = depth.get(name) ?? 0;
    if (!node || own <= floor || region.has(node)) continue;
    region.set(node, own);
    todo.push(...valueInputs(node));
  }
  const reached = new Set([from]);
  const byDepth = [...region].sort((a, b) => a[1] - b[1]).map(([node]) => node);
  return byDepth.filter((node) => {
    const leads = valueInputs(node).some((name) => reached.has(name));
    if (leads) { for (const name of node.outputs) reached.add(name); }
    return leads;
  });
}
