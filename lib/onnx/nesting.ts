/**
 * How the messages of an ONNX file lie in each other.
 * @module
 */

/** Messages that may hold weights. */
export type MessageKind = "model" | "graph" | "node" | "attribute" | "tensor" | "function";
/** The fields of each message that hold one of the others. */
export const MESSAGES: Readonly<Record<MessageKind, Readonly<Record<number, MessageKind>>>> = {
  model: { 7: "graph", 25: "function" },
  function: { 7: "node" },
  graph: { 1: "node", 5: "tensor" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph" },
  tensor: {},
};
/** Graphs in nodes in graphs are followed this far; deeper ones are read as they are. */
export const MESSAGE_DEPTH = 64;
