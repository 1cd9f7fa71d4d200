/**
 * The stream of a post-norm model, such as BERT: every sum is normalised before anything reads it, so that the norms'
 * outputs are the stream and no un-normalised one exists.
 * @module
 */
import { strip } from "./infer.ts";
import type { OnnxModel } from "./model.ts";
import { normOf } from "./norm.ts";
import { stepAt, type StreamStep } from "./stream_sum.ts";

/** Steps of the chain of norms that ends at the norm `last`, first step first. */
export function postNormSteps(model: OnnxModel, last: string): StreamStep[] {
  const steps: StreamStep[] = [];
  for (let after = strip(model, last);;) {
    const norm = normOf(model, after);
    const step = norm && stepAt(model, norm.input);
    if (!step) return steps.reverse();
    steps.push({ ...step, after });
    after = step.before;
  }
}
