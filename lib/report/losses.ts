/**
 * Losses of the language model with a dictionary in it, from a configuration.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { modelOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { rolesOf } from "../data/points.ts";

import type { TextInputs } from "../data/text_inputs.ts";
import {
  type Downstream,
  measureDownstream,
  noDownstream,
  targetMeans,
} from "../evals/downstream.ts";
import type { Evaluation } from "../evals/evaluate.ts";
import { spawnSplicer } from "../onnx/splice_remote.ts";

/**
 * Measures them on the first held-out contexts; undefined when the configuration asks for none.
 * What a model cannot give is told as a reason: the other figures stand without these.
 * @throws SdmError when it is stopped
 */
export async function measureLosses(
  config: Config,
  inputs: TextInputs,
  { dictionary, data }: Pick<Evaluation, "dictionary" | "data">,
  hooks: { onProgress: OnProgress; signal?: AbortSignal },
): Promise<Downstream | undefined> {
  const { downstream_tokens: maxTokens, ablate_positions: ablatePositions } = config.train;
  if (maxTokens === 0) return undefined;
  const names = rolesOf(inputs.points);
  const tensors = (points: typeof inputs.points) => points.map((point) => point.tensor);
  const { model, provider, threads } = modelOptions(config);
  try {
    const splicer = await spawnSplicer({
      model,
      provider,
      threads,
      inputs: tensors(names.inputs),
      targets: tensors(names.targets.length > 0 ? names.targets : names.inputs),
    });
    try {
      return await measureDownstream(dictionary, splicer, inputs, {
        maxTokens,
        means: targetMeans(data),
        ablatePositions,
        contextsPerRun: inputs.contextsPerRun,
        ...hooks,
      });
    } finally {
      await splicer.close();
    }
  } catch (error) {
    // A stop and a lost device end the whole evaluation.
    if (!(error instanceof SdmError) || error.exitCode !== 2) throw error;
    return noDownstream(error.message, ablatePositions);
  }
}
