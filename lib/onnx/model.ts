/**
 * What is known of an ONNX model once it is read. Field numbers and meanings: onnx.proto of onnx/onnx.
 * @module
 */

/** Element types of onnx.proto that this program names. */
export type ElemName =
  | "FLOAT"
  | "UINT8"
  | "INT8"
  | "INT32"
  | "INT64"
  | "STRING"
  | "BOOL"
  | "FLOAT16"
  | "DOUBLE"
  | "BFLOAT16";

/** Numbers of the element types. */
export const ELEM: Readonly<Record<ElemName, number>> = Object.freeze({
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  BFLOAT16: 16,
});

/** An input, an output or an inner value with its type. */
export interface OnnxValue {
  /** Name of the tensor. */
  name: string;
  /** Element type, or undefined when the file does not say. */
  elemType?: number;
  /** Fixed sizes as numbers, symbolic ones as text; undefined when the file does not say. */
  dims?: (number | string)[];
  /** The whole ValueInfoProto, a view of the file; absent for a value that this program declares. */
  bytes?: Uint8Array;
}

/** A weight. */
export interface OnnxInitializer {
  /** Name of the tensor. */
  name: string;
  /** Shape. */
  dims: number[];
  /** Element type. */
  elemType: number;
  /** The whole TensorProto, a view of the file. */
  bytes: Uint8Array;
  /** Where the data is when it is in another file. */
  external?: { location: string; offset: number; length?: number };
}

/** One operation. */
export interface OnnxNode {
  /** Place in the list of nodes. */
  index: number;
  /** Operator, such as `MatMul`. */
  op: string;
  /** Operator set; empty for ONNX's own. */
  domain: string;
  /** Name, often a module path. */
  name: string;
  /** Tensors read, by position; empty text for an absent one. */
  inputs: string[];
  /** Tensors made, by position; empty text for an absent one. */
  outputs: string[];
  /** Tensors of the outer graph that its subgraphs read. */
  captures: string[];
  /** The whole NodeProto, a view of the file unless this program made it. */
  bytes: Uint8Array;
}

/** A field of the graph that is only carried along: names, quantisation, sparse weights, what is not known. */
export interface OnnxField {
  /** Number in GraphProto. */
  number: number;
  /** The tensor that it is about; without one it always stays. */
  tensor?: string;
  /** The whole field with its tag, a view of the file. */
  bytes: Uint8Array;
}

/** A model: as read from a file, or with lists of its graph changed. */
export interface OnnxModel {
  /** What error messages call it: its path, or a word given by the caller. */
  name: string;
  /** Path of the file, if it came from one; external data is looked up beside it. */
  path?: string;
  /** The file that was read, whatever was changed since; `writeModel` writes the lists below. */
  bytes: Uint8Array;
  /** Fields of the ModelProto beside the graph, each whole with its tag. */
  outer: Uint8Array[];
  /** Fields of the graph that are in none of the lists below. */
  rest: OnnxField[];
  /** Program that wrote it, with version. */
  producer: string;
  /** Version of each operator set by domain; ONNX's own is "". */
  opsets: Record<string, number>;
  /** Metadata properties. */
  metadata: Record<string, string>;
  /** Operations in file order, what this program put in where it belongs. */
  nodes: OnnxNode[];
  /** Weights by name. */
  initializers: Map<string, OnnxInitializer>;
  /** Declared inputs that are not weights. */
  inputs: OnnxValue[];
  /** Declared outputs. */
  outputs: OnnxValue[];
  /** Everything with a declared type, by name: inner values, inputs and outputs. */
  values: Map<string, OnnxValue>;
  /** The node that makes a tensor, by the tensor's name. */
  producers: Map<string, OnnxNode>;
  /** The nodes that read a tensor, by the tensor's name. */
  consumers: Map<string, OnnxNode[]>;
}
