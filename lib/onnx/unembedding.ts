/**
 * The matrix that turns the normalised stream into logits, where a graph has one.
 * @module
 */
import { constantFloats } from "./constants.ts";
import { strip, weightOf } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { normOf } from "./norm.ts";
import { type Linear, linearOf } from "./products.ts";
import { findStream, mainOutput } from "./stream.ts";
import { tensorFloats } from "./tensors.ts";

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

/** The product that makes the logits out of the stream's norm, or why there is none. */
export function unembeddingProduct(model: OnnxModel): Linear | string {
  const output = mainOutput(model);
  if (output === undefined) return "the graph has no outputs";
  const stream = findStream(model);
  if (stream.trouble === undefined && stream.norm === strip(model, output)) {
    return `output "${output}" is the stream itself`;
  }
  const linear = linearOf(model, output);
  if (!linear) return `output "${output}" is no product with a weight matrix`;
  if (stream.trouble === undefined && linear.input !== stream.norm) {
    return `between the stream and output "${output}" lies more than one product`;
  }
  return linear;
}

/** Why {@link unembedding} has none, in words; undefined when it has one. */
export function unembeddingTrouble(model: OnnxModel): string | undefined {
  const linear = unembeddingProduct(model);
  if (typeof linear === "string") return linear;
  if (linear.packed !== undefined) return `its matrix is quantised (${linear.packed})`;
  return undefined;
}

/**
 * The unembedding in float32, found by walking back from the logits; undefined when the output is not a product
 * with a float matrix of the file.
 * @throws SdmError when the matrix is in an external file that cannot be read
 */
export function unembedding(model: OnnxModel): Unembedding | undefined {
  const linear = unembeddingProduct(model);
  if (typeof linear === "string" || linear.packed !== undefined) return undefined;
  const tensor = weightOf(model, linear.weight);
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
  const gain = normOf(model, linear.input)?.gain;
  const finalNormGain = gain === undefined ? undefined : constantFloats(model, gain);
  return { weight, vocab, d, finalNormGain };
}
