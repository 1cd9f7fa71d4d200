/**
 * Checks that look at several keys at once.
 * @module
 */
import { checkCounts, checkDictionary, refuse } from "./check_dictionary.ts";
import { parseDatasetName } from "../files/hub_names.ts";
import { FAMILIES } from "./families.ts";
import type { Config } from "./types.ts";

/** What a configuration must name: all that training needs, a model with text and any hookpoints, or nothing. */
export type InputsNeeded = boolean | "harvest";

/** Refuses keys that contradict each other, as far as that can be seen without the model. */
export function checkConfig(config: Config, source: string): void {
  const { data, dictionary, train } = config;
  if (data.activations !== undefined && data.text !== undefined) {
    refuse(
      source,
      "both data.activations and data.text are given, training reads a store or text, not both",
      "leave data.text out to train from the store",
    );
  }
  checkDataset(config, source);
  checkDictionary(config, source);
  if (dictionary.d_sae !== undefined) checkCounts(dictionary, dictionary.d_sae, source);
  if (dictionary.d_in !== undefined) latentsOf(dictionary, dictionary.d_in, source);
  if (train.save_every !== undefined && train.n_checkpoints !== undefined) {
    refuse(source, "both train.save_every and train.n_checkpoints are given, one is needed");
  }
  if (FAMILIES[dictionary.type].sequences && data.activations === undefined) {
    checkContexts(train.batch_tokens, data.context_size, source);
  }
}

/** Refuses a dataset beside another source of text, and parts of no dataset. */
function checkDataset({ data }: Config, source: string): void {
  if (data.dataset === undefined) {
    if (data.dataset_eval_split === undefined) return;
    refuse(source, "data.dataset_eval_split is given and no dataset, data.dataset is needed");
  }
  parseDatasetName(data.dataset);
  const other = data.activations !== undefined
    ? "data.activations"
    : data.text !== undefined
    ? "data.text"
    : undefined;
  if (other) refuse(source, `both ${other} and data.dataset are given, one is needed`);
  if (data.eval_text !== undefined && data.dataset_eval_split !== undefined) {
    refuse(source, "both data.eval_text and data.dataset_eval_split are given, one is needed");
  }
}

/** Refuses batches that are not whole contexts. */
export function checkContexts(batchTokens: number, contextSize: number, source: string): void {
  if (batchTokens % contextSize === 0) return;
  const contexts = Math.max(1, Math.round(batchTokens / contextSize));
  refuse(
    source,
    `train.batch_tokens is ${batchTokens} and a context has ${contextSize} tokens, lorsa reads ` +
      "whole contexts",
    `--batch-tokens ${contexts * contextSize}`,
  );
}

/** Number of latents at width `dIn`; refuses a `d_sae` and an `expansion_factor` that disagree. */
export function latentsOf(dictionary: Config["dictionary"], dIn: number, source: string): number {
  const { d_sae, expansion_factor } = dictionary;
  const expanded = Math.max(1, Math.round((expansion_factor ?? 16) * dIn));
  if (d_sae !== undefined && expansion_factor !== undefined && d_sae !== expanded) {
    refuse(
      source,
      `dictionary.d_sae is ${d_sae} and expansion_factor ${expansion_factor} times d_in ${dIn} is ` +
        `${expanded}, they must agree`,
      "leave dictionary.expansion_factor out",
    );
  }
  return d_sae ?? expanded;
}

/** Refuses a configuration that names neither a store nor a model with text and the hookpoints that it needs. */
export function checkInputs(config: Config, source: string, needed: true | "harvest"): void {
  const { data, model } = config;
  checkPairs(config, source);
  if (data.activations !== undefined) return;
  if (model.onnx === undefined && model.hub === undefined) {
    refuse(
      source,
      "no model and no activation store, model.onnx or data.activations is needed",
      "sdm train --onnx model.onnx --text corpus.txt --hookpoint blocks.0.hook_resid_post",
    );
  }
  checkHookpoints(config, source, needed);
  if (data.text === undefined && data.dataset === undefined) {
    refuse(
      source,
      "no text, data.text or data.dataset is needed",
      "--text corpus.txt (repeat it for several), or --dataset owner/name",
    );
  }
}

/** Refuses lists of hookpoints that cannot be one input and one output a layer. */
function checkPairs({ model: { hookpoints, hookpoints_out } }: Config, source: string): void {
  if (!hookpoints || !hookpoints_out) return;
  const star = [...hookpoints, ...hookpoints_out].some((name) => name.includes("*"));
  if (star || hookpoints.length === hookpoints_out.length) return;
  refuse(
    source,
    `model.hookpoints has ${hookpoints.length} names and hookpoints_out ${hookpoints_out.length}, ` +
      "one of each a layer is needed",
  );
}

function checkHookpoints(config: Config, source: string, needed: true | "harvest"): void {
  const { model, dictionary: { type } } = config;
  const { points } = FAMILIES[type];
  const wanted = needed === "harvest"
    ? []
    : points === "layers"
    ? ["hookpoints", "hookpoints_out"] as const
    : points === "pair"
    ? ["hookpoint", "hookpoint_out"] as const
    : ["hookpoint"] as const;
  const missing = wanted.find((name) => model[name] === undefined);
  const any = model.hookpoint ?? model.hookpoints;
  if (missing === undefined && any !== undefined) return;
  const name = missing ?? "hookpoint";
  const kind = name === "hookpoint" ? "no hookpoint" : `no ${name} for type "${type}"`;
  const where = model.onnx ?? model.hub;
  refuse(source, `${kind}, model.${name} is needed`, `sdm hooks "${where}"`);
}
