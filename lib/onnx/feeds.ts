/**
 * Inputs of a language model for a plain forward pass, made from what the graph declares.
 * @module
 */
import type { Tensor, TensorConstructor } from "onnxruntime-common";
import { SdmError } from "../base/errors.ts";
import { ELEM, type OnnxModel, type OnnxValue } from "./model.ts";

/** Makes one input for `batch` contexts of `length` tokens. */
export type FeedMaker = (ids: Int32Array, batch: number, length: number) => Tensor;

/**
 * Makers of the inputs `names` of a model.
 * @throws SdmError for an input whose meaning or type is not known
 */
export function planFeeds(
  model: OnnxModel,
  names: readonly string[],
  Tensor: TensorConstructor,
): Map<string, FeedMaker> {
  const plan = new Map<string, FeedMaker>();
  for (const input of model.inputs) {
    if (names.includes(input.name)) plan.set(input.name, feedMaker(model, input, Tensor));
  }
  return plan;
}

function feedMaker(model: OnnxModel, input: OnnxValue, Tensor: TensorConstructor): FeedMaker {
  switch (input.name) {
    case "input_ids":
      return grid(model, input, Tensor, (ids, at) => ids[at]);
    case "attention_mask":
      return grid(model, input, Tensor, () => 1);
    case "position_ids":
      return grid(model, input, Tensor, (_ids, at, length) => at % length);
    case "token_type_ids":
      return grid(model, input, Tensor, () => 0);
    case "cache_position":
      return (_ids, _batch, length) => {
        return numbers(model, input, Tensor, length, [length], (i) => i);
      };
    case "use_cache_branch":
      return () => numbers(model, input, Tensor, 1, [1], () => 0);
  }
  if (/^past(_key_values)?[._]/.test(input.name)) return emptyPast(model, input, Tensor);
  throw new SdmError(
    `Cannot run ONNX model "${model.name}": it wants an input "${input.name}", ` +
      `only token ids, masks, positions, token types and empty caches can be given`,
  );
}

/** A [batch, length] input whose element `at` is `value(ids, at, length)`. */
function grid(
  model: OnnxModel,
  input: OnnxValue,
  Tensor: TensorConstructor,
  value: (ids: Int32Array, at: number, length: number) => number,
): FeedMaker {
  const rank = input.dims?.length;
  if (rank !== undefined && rank !== 2) throw wrongShape(model, input, "[batch, length]");
  return (ids, batch, length) => {
    for (const [axis, wanted] of [batch, length].entries()) {
      const fixed = input.dims?.[axis];
      if (typeof fixed === "number" && fixed !== wanted) {
        const needed = `[${batch}, ${length}]`;
        throw wrongShape(model, input, needed);
      }
    }
    const count = batch * length;
    return numbers(model, input, Tensor, count, [batch, length], (i) => value(ids, i, length));
  };
}

function wrongShape(model: OnnxModel, input: OnnxValue, needed: string): SdmError {
  return new SdmError(
    `Cannot run ONNX model "${model.name}": input "${input.name}" has the shape ` +
      `[${input.dims?.join(", ")}], ${needed} is needed`,
  );
}

/** A key or value cache of no tokens, [batch, heads, 0, head width]. */
function emptyPast(model: OnnxModel, input: OnnxValue, Tensor: TensorConstructor): FeedMaker {
  const { dims } = input;
  // The batch comes first; of the other axes the symbolic one counts past tokens, of which there are none.
  const fits = dims && dims.length >= 3 && dims.slice(1).some((dim) => typeof dim === "string");
  if (!fits) throw wrongShape(model, input, "[batch, heads, past tokens, head width]");
  return (_ids, batch) => {
    const sizes = dims.map((dim, axis) => axis === 0 ? batch : typeof dim === "number" ? dim : 0);
    return numbers(model, input, Tensor, 0, sizes, () => 0);
  };
}

/** A tensor of the type that the graph declares. */
function numbers(
  model: OnnxModel,
  input: OnnxValue,
  Tensor: TensorConstructor,
  count: number,
  dims: number[],
  value: (index: number) => number,
): Tensor {
  switch (input.elemType) {
    case ELEM.INT64:
      return new Tensor(
        "int64",
        BigInt64Array.from({ length: count }, (_, i) => BigInt(value(i))),
        dims,
      );
    case ELEM.INT32:
      return new Tensor("int32", Int32Array.from({ length: count }, (_, i) => value(i)), dims);
    case ELEM.BOOL:
      return new Tensor("bool", Uint8Array.from({ length: count }, (_, i) => value(i)), dims);
    case ELEM.FLOAT:
      return new Tensor("float32", Float32Array.from({ length: count }, (_, i) => value(i)), dims);
    case ELEM.FLOAT16: {
      // 0 and 1 are all that masks and empty caches need: 0x3c00 is 1.
      const bits = Uint16Array.from({ length: count }, (_, i) => value(i) ? 0x3c00 : 0);
      return new Tensor("float16", bits, dims);
    }
  }
  throw new SdmError(
    `Cannot run ONNX model "${model.name}": input "${input.name}" has element type ` +
      `${input.elemType ?? "unknown"}, an integer or float type is needed`,
  );
}
