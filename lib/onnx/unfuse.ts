/**
 * Takes norms apart that an optimiser fused with what stands before them, so that each residual sum is a tensor with one
 * producer. Operators: ONNX Runtime's documentation, "ContribOperators".
 * @module
 */
import type { OnnxInitializer, OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { attributeOf } from "./tensors.ts";
import { readFields } from "./protobuf.ts";
import { changeModel, floatAttribute, intAttribute, makeInteger, makeNode } from "./write.ts";

/** ONNX Runtime's default epsilon of fused norms. */
const SKIP_EPSILON = 1e-12;
/** Operators that end in a weight's product, to which a fused bias belongs rather than to the stream. */
const PRODUCTS = new Set(["MatMul", "Gemm", "MatMulNBits", "MatMulInteger", "FusedMatMul"]);

/** Adds to a graph under way. */
interface Work {
  model: OnnxModel;
  nodes: OnnxNode[];
  values: Map<string, OnnxValue>;
  initializers: Map<string, OnnxInitializer>;
}

/**
 * The model with `SkipLayerNormalization`, `SkipSimplifiedLayerNormalization` and `EmbedLayerNormalization` as sums and
 * plain norms. A sum keeps the name that the fused node gave it; one that it did not give out is called
 * `<output>/sdm_residual`.
 */
export function unfuseNorms(model: OnnxModel): OnnxModel {
  const work: Work = {
    model,
    nodes: [],
    values: new Map(model.values),
    initializers: new Map(model.initializers),
  };
  for (const node of model.nodes) {
    const parts = takeApart(work, node);
    work.nodes.push(...(parts ?? [node]));
  }
  if (work.nodes.length === model.nodes.length) return model;
  const { nodes, values, initializers } = work;
  return changeModel(model, { nodes, values, initializers });
}

function takeApart(work: Work, node: OnnxNode): OnnxNode[] | undefined {
  if (node.domain !== "com.microsoft" || !node.outputs[0]) return undefined;
  switch (node.op) {
    case "SkipLayerNormalization":
      return skipNorm(work, node, false);
    case "SkipSimplifiedLayerNormalization":
      return skipNorm(work, node, true);
    case "EmbedLayerNormalization":
      return embedNorm(work, node);
  }
  return undefined;
}

/** `norm(input + skip [+ bias])` as Add [, Add] and norm. */
function skipNorm(work: Work, node: OnnxNode, simplified: boolean): OnnxNode[] | undefined {
  const { inputs, outputs } = node;
  const [output, mean = "", inverse = "", sum = ""] = outputs;
  // What was asked of its statistics is not to be had from the plain norm in every case.
  if (isUsed(work.model, mean) || isUsed(work.model, inverse)) return undefined;
  if (!inputs[0] || !inputs[1] || !inputs[2]) return undefined;
  const beta = simplified ? "" : inputs[3] ?? "";
  const bias = inputs[simplified ? 3 : 4] ?? "";
  const residual = sum || `${output}/sdm_residual`;
  const made: OnnxNode[] = [];
  const terms = inputs.slice(0, 2);
  if (bias) {
    const product = terms.findIndex((name) =>
      PRODUCTS.has(work.model.producers.get(name)?.op ?? "")
    );
    const biased = `${output}/sdm_biased`;
    made.push(add(work, terms[Math.max(product, 0)], bias, biased, output));
    terms[Math.max(product, 0)] = biased;
  }
  made.push(add(work, terms[0], terms[1], residual, output));
  const weights = [residual, inputs[2], ...(beta ? [beta] : [])];
  const op = simplified ? "SimplifiedLayerNormalization" : "LayerNormalization";
  made.push(norm(node, op, weights, [output]));
  return made;
}

function isUsed(model: OnnxModel, tensor: string): boolean {
  if (!tensor) return false;
  return model.consumers.has(tensor) || model.outputs.some((output) => output.name === tensor);
}

/** Add of the type and shape of `like`. */
function add(work: Work, left: string, right: string, sum: string, like: string): OnnxNode {
  const known = work.values.get(like);
  if (known?.elemType && !work.values.has(sum)) {
    work.values.set(sum, { name: sum, elemType: known.elemType, dims: known.dims });
  }
  return makeNode("Add", [left, right], [sum]);
}

/** The norm of a fused node, with its name, epsilon and notes. */
function norm(
  node: OnnxNode,
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
): OnnxNode {
  const epsilon = attributeOf(node, "epsilon")?.float ?? SKIP_EPSILON;
  const notes = readFields(node.bytes).filter(({ number }) => number === 6 || number === 9);
  const fields = [
    floatAttribute("epsilon", epsilon),
    intAttribute("axis", -1),
    intAttribute("stash_type", 1),
    ...notes.map((field) => node.bytes.subarray(field.start, field.end)),
  ];
  return makeNode(op, inputs, outputs, { name: node.name || undefined, fields });
}

/** `norm(word[ids] + position[ids] + segment[ids])` as Gathers, Adds and norm. */
function embedNorm(work: Work, node: OnnxNode): OnnxNode[] | undefined {
  const [ids, segments = "", words, places, kinds = "", gain, beta, , given = ""] = node.inputs;
  const [output, maskIndex = "", sum = ""] = node.outputs;
  if (!ids || !words || !places || !gain || !beta) return undefined;
  // What was taken apart before and stays for its count of tokens.
  if (!isUsed(work.model, output)) return undefined;
  const made: OnnxNode[] = [];
  const name = (part: string) => `${output}/sdm_${part}`;
  const step = (op: string, inputs: string[], result: string): string => {
    const [left, right] = inputs;
    made.push(
      op === "Add" ? add(work, left, right, result, output) : makeNode(op, inputs, [result]),
    );
    return result;
  };
  const positions = given || rowPositions(work, ids, name, step);
  const parts = [step("Gather", [words, ids], name("words"))];
  parts.push(step("Gather", [places, positions], name("places")));
  if (segments && kinds) parts.push(step("Gather", [kinds, segments], name("kinds")));
  const first = parts.length > 2 ? step("Add", [parts[0], parts[2]], name("pair")) : parts[0];
  const residual = step("Add", [first, parts[1]], sum || name("residual"));
  made.push(norm(node, "LayerNormalization", [residual, gain, beta], [output]));
  // The count of each row's tokens has no other maker; its node stays for it.
  if (isUsed(work.model, maskIndex)) made.push(maskCounter(node, name("unused")));
  return made;
}

/** The positions 0, 1, … of a row of ids. */
function rowPositions(
  work: Work,
  ids: string,
  name: (part: string) => string,
  step: (op: string, inputs: string[], result: string) => string,
): string {
  for (const number of [0, 1]) {
    const constant = makeInteger(name(`int${number}`), number);
    work.initializers.set(constant.name, constant);
  }
  const shape = step("Shape", [ids], name("shape"));
  const length = step("Gather", [shape, name("int1")], name("length"));
  return step("Range", [name("int0"), length, name("int1")], name("positions"));
}

/** A fused embedding of which only the second output is read. */
function maskCounter(node: OnnxNode, unused: string): OnnxNode {
  const kept = readFields(node.bytes).filter(({ number }) => number === 5);
  const fields = kept.map((field) => node.bytes.subarray(field.start, field.end));
  const { op, inputs, domain } = node;
  return makeNode(op, inputs, [unused, node.outputs[1]], { domain, fields });
}
