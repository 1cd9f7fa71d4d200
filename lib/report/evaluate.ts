/**
 * From a folder to figures: opens the dictionary, the device and the held-out text, and measures.
 * @module
 */
import { join } from "node:path";
import type { OnProgress } from "../base/progress.ts";
import { VERSION } from "../base/version.ts";
import { textOptions } from "../config/text_options.ts";
import type { Config } from "../config/types.ts";
import { openTextInputs, type TextInputs } from "../data/text_inputs.ts";
import type { Downstream } from "../evals/downstream.ts";
import { type Contender, evaluateDictionary, type Evaluation } from "../evals/evaluate.ts";
import { writeJson } from "../files/atomic.ts";
import { exists } from "../files/documents.ts";
import { openDictionary, type OpenedDictionary } from "../interop/detect.ts";
import { openTunedGpu } from "../train/tuned_gpu.ts";
import { measureLosses } from "./losses.ts";
import { untrainedRecord } from "./untrained.ts";

/** What is measured. */
export interface EvaluateRequest {
  /** Folder of a run or of a dictionary. */
  path: string;
  /** Model, held-out text, counts. */
  config: Config;
}

/** How work speaks with its caller. */
export interface EvaluateHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop. */
  signal?: AbortSignal;
}

/** What was measured. */
export interface EvaluateOutcome {
  /** The dictionary first, then the baselines. */
  contenders: Contender[];
  /** Held-out tokens that the figures rest on. */
  evalTokens: number;
  /** Losses of the language model with the dictionary in it, or why there are none; absent when not asked for. */
  downstream?: Downstream;
}

/** A dictionary, what it was measured on, and what was found; the model is freed, `inputs.close` frees the text. */
export interface Measured {
  /** The dictionary. */
  opened: OpenedDictionary;
  /** Text and tokenizer. */
  inputs: TextInputs;
  /** The measurements. */
  evaluation: Evaluation;
  /** Losses of the language model, unless not asked for. */
  downstream?: Downstream;
}

/** Opens and measures. */
export async function measure(
  request: EvaluateRequest,
  hooks: EvaluateHooks,
): Promise<Measured> {
  const { config } = request;
  const opened = await openDictionary(request.path);
  const gpu = await openTunedGpu(config.gpu, hooks.onProgress, hooks.signal);
  try {
    const inputs = await openTextInputs(textOptions(config, "held_out"), hooks);
    try {
      const evaluation = await evaluateDictionary(gpu, opened.record, inputs, {
        maxRows: config.train.eval_tokens,
        untrained: untrainedRecord(opened),
        ...hooks,
      });
      // It is loaded again in parts, and twice it may not fit.
      await inputs.runner.close();
      const downstream = await measureLosses(config, inputs, evaluation, hooks);
      return { opened, inputs, evaluation, downstream };
    } catch (error) {
      await inputs.close();
      throw error;
    }
  } finally {
    gpu.close();
  }
}

/** Measures a dictionary and its baselines on held-out text; a run's folder gets `eval.json`. */
export async function evaluateRun(
  request: EvaluateRequest,
  hooks: EvaluateHooks,
): Promise<EvaluateOutcome> {
  const measured = await measure(request, hooks);
  await measured.inputs.close();
  const outcome = outcomeOf(measured);
  if (await isRun(request.path)) await writeEval(request, outcome);
  return outcome;
}

/** What commands print. */
export function outcomeOf({ evaluation, downstream }: Measured): EvaluateOutcome {
  const [trained, ...others] = evaluation.contenders;
  const figures = [...trained.figures, ...downstream?.figures ?? []];
  return {
    contenders: [{ ...trained, figures }, ...others],
    evalTokens: evaluation.pass.sums[0].rows,
    downstream,
  };
}

/** What `eval.json` says of the losses beside their values. */
function downstreamRecord(downstream: Downstream | undefined): Record<string, unknown> | undefined {
  if (!downstream) return undefined;
  const { figures: _, reason, ...facts } = downstream;
  return reason === undefined ? facts : { ce: null, reason };
}

/** Whether a folder holds a run. */
export async function isRun(path: string): Promise<boolean> {
  return await exists(join(path, "manifest.json"));
}

/** Writes `eval.json` into the folder of a run. */
export async function writeEval(request: EvaluateRequest, outcome: EvaluateOutcome): Promise<void> {
  await writeJson(join(request.path, "eval.json"), {
    eval: "core",
    sdm_version: VERSION,
    seed: request.config.seed,
    tokens: outcome.evalTokens,
    downstream: downstreamRecord(outcome.downstream),
    contenders: outcome.contenders.map(({ name, what, figures }) => ({
      name,
      what,
      metrics: Object.fromEntries(figures.map((f) => [f.name, f.value])),
    })),
    definitions: Object.fromEntries(
      outcome.contenders[0].figures.map((f) => [f.name, f.definition]),
    ),
  });
}
