/**
 * Facts about a language model beyond its hookpoints: vocabulary, context limit, unembedding.
 * @module
 */
import { findHookpoints } from "./hookpoints.ts";
import { strip } from "./infer.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { normOf } from "./norm.ts";
import { ancestors } from "./order.ts";
import { type Linear, linearOf } from "./products.ts";
import { findStream, mainOutput } from "./stream.ts";
import { tensorFloats } from "./tensors.ts";
import type { Hookpoint } from "./types.ts";

/** The matrix that turns the normalised stream into logits. */
export interface Unembedding {
  /** Row-major [vocab, d]. */
  weight: Float32Array<ArrayBuffer>;
  /** Number of tokens. */
  vocab: number;
  /** Width of the stream. */
  d: number;
  /** Learned weight of the final norm, [d], when there is one. */
  finalNormGain?: Float32Array<ArrayBuffer>;
}

/** What `sdm hooks` prints. */
export interface ModelDescription {
  /** Declared inputs. */
  inputs: OnnxValue[];
  /** Declared outputs. */
  outputs: OnnxValue[];
  /** Version of ONNX's own operator set. */
  opset?: number;
  /** Program that wrote the file. */
  producer: string;
  /** Canonical hookpoints. */
  hookpoints: Hookpoint[];
  /** Why there are no canonical hookpoints. */
  trouble?: string;
  /** Number of layers found. */
  layers: number;
  /** Number of tokens of the vocabulary. */
  vocab?: number;
  /** Longest context that the position embedding allows. */
  contextLimit?: number;
}

/** Facts of a model for people. */
export function describeModel(model: OnnxModel): ModelDescription {
  const { hookpoints, trouble } = findHookpoints(model);
  return {
    inputs: model.inputs,
    outputs: model.outputs,
    opset: model.opsets[""],
    producer: model.producer,
    hookpoints,
    trouble,
    layers: hookpoints.filter((point) => point.kind === "resid_post").length,
    vocab: vocabSize(model),
    contextLimit: contextLimit(model),
  };
}

/** The lookups of rows of weight matrices that make the start of the stream. */
function embeddings(model: OnnxModel): { rows: number; ofTokens: boolean }[] {
  const stream = findStream(model);
  if (stream.trouble !== undefined) return [];
  const found: { rows: number; ofTokens: boolean }[] = [];
  const seen = new Set<OnnxNode>();
  for (const name of ancestors(model, stream.steps[0].before)) {
    const node = model.producers.get(name);
    if (node?.op !== "Gather" || seen.has(node)) continue;
    seen.add(node);
    const dims = model.initializers.get(strip(model, node.inputs[0]))?.dims;
    if (dims?.length !== 2) continue;
    found.push({
      rows: dims[0],
      ofTokens: ancestors(model, node.inputs[1]).has("input_ids"),
    });
  }
  return found;
}

/** Rows of the learned position embedding: the longest context; undefined for models without one. */
export function contextLimit(model: OnnxModel): number | undefined {
  const rows = embeddings(model).filter((table) => !table.ofTokens).map((table) => table.rows);
  return rows.length === 1 ? rows[0] : undefined;
}

/** Number of tokens: rows of the token embedding, else the last axis of the logits. */
export function vocabSize(model: OnnxModel): number | undefined {
  const table = embeddings(model).find((candidate) => candidate.ofTokens);
  if (table) return table.rows;
  const last = model.outputs.find((output) => output.name === "logits")?.dims?.at(-1);
  return typeof last === "number" && last > 0 ? last : undefined;
}

function unembeddingNode(model: OnnxModel): Linear | undefined {
  const output = mainOutput(model);
  return output === undefined ? undefined : linearOf(model, output);
}

/**
 * The unembedding in float32, found by walking back from the logits; undefined when the output is not a product
 * with a float matrix of the file.
 * @throws SdmError when the matrix is in an external file that cannot be read
 */
export function unembedding(model: OnnxModel): Unembedding | undefined {
  const linear = unembeddingNode(model);
  const tensor = linear && model.initializers.get(linear.weight);
  const values = tensor && tensorFloats(model, tensor);
  if (!values) return undefined;
  const [rows, columns] = tensor.dims;
  const vocab = linear.outFirst ? rows : columns, d = linear.outFirst ? columns : rows;
  let weight = values;
  if (!linear.outFirst) {
    weight = new Float32Array(values.length);
    for (let i = 0; i < d; i++) {
      for (let token = 0; token < vocab; token++) weight[token * d + i] = values[i * vocab + token];
    }
  }
  const gainName = normOf(model, linear.input)?.gain;
  const gain = gainName && model.initializers.get(strip(model, gainName));
  const finalNormGain = gain ? tensorFloats(model, gain) : undefined;
  return { weight, vocab, d, finalNormGain };
}
