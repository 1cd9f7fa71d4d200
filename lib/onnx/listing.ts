/**
 * Every tensor of a graph, for people who look for one.
 * @module
 */
import { tensorNames } from "./edit.ts";
import { findHookpoints } from "./hookpoints.ts";
import { elemName } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { factsOf } from "./shapes.ts";

/** A tensor of a graph. */
export interface TensorRow {
  /** Its name. */
  tensor: string;
  /** Sizes, as far as the graph tells. */
  shape?: (number | string)[];
  /** Element type. */
  dtype: string;
  /** Operator that makes it, `input` or `weight`. */
  op: string;
  /** Canonical hookpoints that it is. */
  hookpoints: string[];
}

/** All tensors: those made by nodes in file order, then inputs and weights. */
export function listTensors(model: OnnxModel): TensorRow[] {
  const named = new Map<string, string[]>();
  for (const { name, tensor } of findHookpoints(model).hookpoints) {
    named.set(tensor, [...named.get(tensor) ?? [], name]);
  }
  return tensorNames(model).map((tensor) => {
    const { dims, elemType } = factsOf(model, tensor);
    const maker = model.producers.get(tensor)?.op;
    return {
      tensor,
      ...(dims ? { shape: dims } : {}),
      dtype: elemName(elemType),
      op: maker ?? (model.initializers.has(tensor) ? "weight" : "input"),
      hookpoints: named.get(tensor) ?? [],
    };
  });
}
