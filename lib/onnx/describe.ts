/**
 * Facts about a language model beyond its hookpoints: vocabulary, context limit, unembedding.
 * @module
 */
import { findHookpoints } from "./hookpoints.ts";
import { stripShape, weightOf } from "./infer.ts";
import type { OnnxModel, OnnxNode, OnnxValue } from "./model.ts";
import { ancestors } from "./order.ts";
import { findStream } from "./stream.ts";
import type { Hookpoint } from "./types.ts";
import { unembeddingTrouble } from "./unembedding.ts";

export { type Unembedding, unembedding } from "./unembedding.ts";

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
  /** Why the unembedding cannot be read, if so. */
  noUnembedding?: string;
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
    noUnembedding: unembeddingTrouble(model),
  };
}

/** A lookup of rows of a weight matrix. */
interface Table {
  rows: number;
  of: "tokens" | "types" | "positions";
}

/** The lookups that make the start of the stream. */
function embeddings(model: OnnxModel): Table[] {
  const stream = findStream(model);
  if (stream.trouble !== undefined) return [];
  const found: Table[] = [];
  const seen = new Set<OnnxNode>();
  for (const name of ancestors(model, stream.steps[0].before)) {
    const node = model.producers.get(name);
    if (!node || seen.has(node)) continue;
    seen.add(node);
    if (node.op === "Gather" || node.op === "GatherBlockQuantized") {
      const dims = weightOf(model, node.inputs[0])?.dims;
      if (dims?.length === 2) found.push(tableOf(model, dims[0], node.inputs[1]));
    } else if (node.op === "EmbedLayerNormalization") {
      const rows = [2, 3, 4].map((i) => weightOf(model, node.inputs[i] ?? "")?.dims[0]);
      const kinds = ["tokens", "positions", "types"] as const;
      rows.forEach((count, i) => count !== undefined && found.push({ rows: count, of: kinds[i] }));
    }
  }
  return found;
}

function tableOf(model: OnnxModel, rows: number, index: string): Table {
  if (stripShape(model, index) === "input_ids") return { rows, of: "tokens" };
  const from = ancestors(model, index);
  if (from.has("token_type_ids")) return { rows, of: "types" };
  // Positions that are counted from a mask begin behind two rows for padding (RoBERTa, OPT).
  const counted = [...from].some((name) => model.producers.get(name)?.op === "CumSum");
  const offset = counted && !from.has("position_ids") ? 2 : 0;
  return { rows: rows - offset, of: "positions" };
}

/** Rows of the learned position embedding: the longest context; undefined for models without one. */
export function contextLimit(model: OnnxModel): number | undefined {
  const rows = embeddings(model).filter((table) => table.of === "positions").map((t) => t.rows);
  // Token types that are not an input are looked up with zeros: a table of very few rows.
  return rows.length === 0 ? undefined : Math.max(...rows);
}

/** Number of tokens: rows of the token embedding, else the last axis of the logits. */
export function vocabSize(model: OnnxModel): number | undefined {
  const table = embeddings(model).find((candidate) => candidate.of === "tokens");
  if (table) return table.rows;
  const last = model.outputs.find((output) => output.name === "logits")?.dims?.at(-1);
  return typeof last === "number" && last > 0 ? last : undefined;
}
