/**
 * The stream of a pre-norm model: a chain of Adds that nothing interrupts, each sublayer reading a norm of it.
 * @module
 */
import type { OnnxModel } from "./model.ts";
import { stepAt, type StreamStep } from "./stream_sum.ts";

/** Steps of the chain that ends at `sum`, first step first. */
export function preNormSteps(model: OnnxModel, sum: string): StreamStep[] {
  const steps: StreamStep[] = [];
  for (let at = stepAt(model, sum); at; at = stepAt(model, at.before)) {
    steps.push({ ...at, after: at.sum });
  }
  return steps.reverse();
}
