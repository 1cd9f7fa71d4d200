/**
 * Losses of the language model with dictionaries in it, from a configuration.
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
  downstreamOf,
  type LossBaselines,
  noDownstream,
  sumLosses,
  targetMeans,
} from "../evals/downstream.ts";
import type { HeldOutRows } from "../evals/held_out.ts";
import type { LoadedDictionary } from "../models/loaded.ts";
import { spawnSplicer } from "../onnx/splice_remote.ts";
import type { Splicer } from "../onnx/splice_types.ts";

/** How work speaks with its caller. */
interface Hooks {
  onProgress: OnProgress;
  signal?: AbortSignal;
}

/** A model in which dictionaries of the same points are measured one after another. */
export interface ModelLosses {
  /**
   * Measures one; undefined when the configuration asks for none.
   * @throws SdmError when it is stopped
   */
  of(dictionary: LoadedDictionary): Promise<Downstream | undefined>;
  /** Frees the model. */
  close(): Promise<void>;
}

/**
 * Makes ready to measure on the first held-out contexts; the model is loaded with the first dictionary.
 * What a model cannot give is told as a reason: the other figures stand without these.
 */
export function modelLosses(
  config: Config,
  inputs: TextInputs,
  data: HeldOutRows,
  hooks: Hooks,
): ModelLosses {
  const { downstream_tokens: maxTokens, ablate_positions: ablatePositions } = config.train;
  const options = {
    maxTokens,
    means: maxTokens === 0 ? [] : targetMeans(data),
    ablatePositions,
    contextsPerRun: inputs.contextsPerRun,
    ...hooks,
  };
  let splicer: Splicer | undefined;
  let known: LossBaselines | undefined;
  let reason: string | undefined;
  return {
    async of(dictionary) {
      if (maxTokens === 0) return undefined;
      if (reason !== undefined) return noDownstream(reason, ablatePositions);
      try {
        splicer ??= await openSplicer(config, inputs);
        const sums = await sumLosses(dictionary, splicer, inputs, options, known);
        if (!("reason" in sums)) {
          known = sums;
          return downstreamOf(sums, ablatePositions);
        }
        reason = sums.reason;
      } catch (error) {
        // A stop and a lost device end the whole evaluation.
        if (!(error instanceof SdmError) || error.exitCode !== 2) throw error;
        reason = error.message;
      }
      return noDownstream(reason, ablatePositions);
    },
    close: async () => await splicer?.close(),
  };
}

async function openSplicer(config: Config, { points }: TextInputs): Promise<Splicer> {
  const { model, provider, threads } = modelOptions(config);
  const { inputs, targets } = rolesOf(points);
  const tensors = (list: typeof points) => list.map((point) => point.tensor);
  return await spawnSplicer({
    model,
    provider,
    threads,
    inputs: tensors(inputs),
    targets: tensors(targets.length > 0 ? targets : inputs),
  });
}

/** Measures one dictionary, see {@link modelLosses}. */
export async function measureLosses(
  config: Config,
  inputs: TextInputs,
  { dictionary, data }: { dictionary: LoadedDictionary; data: HeldOutRows },
  hooks: Hooks,
): Promise<Downstream | undefined> {
  const losses = modelLosses(config, inputs, data, hooks);
  try {
    return await losses.of(dictionary);
  } finally {
    await losses.close();
  }
}
