/**
 * Checks that look at several keys at once.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { sourceName } from "./place.ts";
import type { Config } from "./types.ts";

function refuse(source: string, found: string, hint?: string): never {
  throw new SdmError(`Cannot use ${sourceName(source)}: ${found}`, { hint });
}

/** Refuses counts of active latents that do not fit the dictionary. */
export function checkCounts(
  dictionary: Config["dictionary"],
  dSae: number,
  source: string,
): void {
  for (const name of ["k", "k_start", "k_aux"] as const) {
    const value = dictionary[name];
    if (value !== undefined && value > dSae) {
      refuse(
        source,
        `dictionary.${name} is ${value} and d_sae is ${dSae}, at most d_sae latents can be active`,
      );
    }
  }
}

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
  const { k, k_start, k_anneal_steps } = dictionary;
  if (k_start !== undefined && k_start < k) {
    refuse(source, `dictionary.k_start is ${k_start} and k is ${k}, k_start must be at least k`);
  }
  if (k_anneal_steps && k_start === undefined) {
    refuse(source, `dictionary.k_anneal_steps is ${k_anneal_steps}, dictionary.k_start is needed`);
  }
  if (dictionary.d_sae !== undefined) checkCounts(dictionary, dictionary.d_sae, source);
  if (dictionary.d_in !== undefined) latentsOf(dictionary, dictionary.d_in, source);
  if (train.save_every !== undefined && train.n_checkpoints !== undefined) {
    refuse(source, "both train.save_every and train.n_checkpoints are given, one is needed");
  }
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

/** Refuses a configuration that names neither a store nor a model with text and a hookpoint. */
export function checkInputs(config: Config, source: string): void {
  const { data, model } = config;
  if (data.activations !== undefined) return;
  if (model.onnx === undefined) {
    refuse(
      source,
      "no model and no activation store, model.onnx or data.activations is needed",
      "sdm train --onnx model.onnx --text corpus.txt --hookpoint blocks.0.hook_resid_post",
    );
  }
  if (model.hookpoint === undefined) {
    refuse(source, "no hookpoint, model.hookpoint is needed", `sdm hooks "${model.onnx}"`);
  }
  if (data.text === undefined) {
    refuse(source, "no text, data.text is needed", "--text corpus.txt (repeat it for several)");
  }
}
