/**
 * What is known of a tensor without running the graph.
 * @module
 */
import { ELEM, type OnnxInitializer, type OnnxNode } from "./model.ts";
import { tensorInts } from "./tensors.ts";

/** Integers of a tensor of at most so many are kept: it may hold a shape. */
const SMALL = 16;

/** A size of one axis: a number, a symbol, or "?" when nothing is known. */
export type Dim = number | string;

/** What is known of a tensor. */
export interface TensorFacts {
  /** Element type, as in onnx.proto. */
  elemType?: number;
  /** Sizes; undefined when not even their count is known. */
  dims?: Dim[];
  /** Values of a small tensor of integers, such as one that holds a shape. */
  ints?: Dim[];
}

/** What a rule may ask of a node. */
export interface RuleNode {
  /** The node. */
  node: OnnxNode;
  /** Facts of input number `i`; an empty record for an absent one. */
  input(i: number): TensorFacts;
  /** Integer attribute. */
  int(name: string): number | undefined;
  /** Version of ONNX's own operator set. */
  opset: number;
}

/** Facts of a node's outputs. */
export type Rule = (at: RuleNode) => TensorFacts[];

/** Facts of a weight. */
export function weightFacts(tensor: OnnxInitializer): TensorFacts {
  const facts: TensorFacts = { elemType: tensor.elemType, dims: tensor.dims };
  const whole = tensor.elemType === ELEM.INT64 || tensor.elemType === ELEM.INT32;
  if (whole && tensor.dims.length <= 1 && (tensor.dims[0] ?? 1) <= SMALL) {
    facts.ints = tensorInts(tensor);
  }
  return facts;
}
