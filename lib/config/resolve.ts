/**
 * Fills the defaults that depend on the width of the model and on the number of steps. Pure.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { checkCounts, latentsOf } from "./check.ts";
import { sourceName } from "./place.ts";
import type { Config, ResolvedConfig } from "./types.ts";

/** Steps of a run: enough batches to see `training_tokens` rows. */
export function stepsOf(config: Config): number {
  return Math.ceil(config.train.training_tokens / config.train.batch_tokens);
}

/** Learning rate of Adam for `dSae` latents: 2e-4 / sqrt(d_sae / 2^14), Gao et al. */
export function automaticLr(dSae: number): number {
  return 2e-4 / Math.sqrt(dSae / 2 ** 14);
}

function resolveDictionary(config: Config, dIn: number, steps: number, source: string) {
  const given = config.dictionary;
  if (given.d_in !== undefined && given.d_in !== dIn) {
    throw new SdmError(
      `Cannot use ${
        sourceName(source)
      }: dictionary.d_in is ${given.d_in}, the activations have width ${dIn}`,
    );
  }
  const dSae = latentsOf(given, dIn, source);
  checkCounts(given, dSae, source);
  const tokens = config.train.training_tokens;
  const halfWidth = 2 ** Math.max(0, Math.round(Math.log2(dIn / 2)));
  return {
    ...given,
    d_in: dIn,
    d_sae: dSae,
    expansion_factor: undefined,
    k_start: given.k_start ?? given.k,
    k_anneal_steps: given.k_anneal_steps ??
      (given.k_start === undefined ? 0 : Math.floor(0.8 * steps)),
    k_aux: given.k_aux ?? Math.min(halfWidth, dSae),
    dead_after_tokens: given.dead_after_tokens ??
      Math.min(10_000_000, Math.max(1, Math.floor(0.05 * tokens))),
  };
}

function resolveOptimizer(config: Config, dSae: number, steps: number, source: string) {
  const given = config.optimizer;
  const warmUp = given.lr_warm_up_steps ?? Math.min(1000, Math.ceil(0.05 * steps));
  const decay = given.lr_decay_steps ?? Math.min(Math.floor(0.2 * steps), steps - warmUp);
  if (decay < 0 || warmUp + decay > steps) {
    throw new SdmError(
      `Cannot use ${sourceName(source)}: lr_warm_up_steps is ${warmUp} and lr_decay_steps ` +
        `${Math.max(0, decay)}, together at most the ${steps} steps of the run are possible`,
      { hint: "a longer run: --training-tokens" },
    );
  }
  return {
    ...given,
    lr: given.lr === "auto" ? automaticLr(dSae) : given.lr,
    lr_warm_up_steps: warmUp,
    lr_decay_steps: decay,
  };
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/**
 * The configuration with every number that training needs; the same numbers again when it is resolved twice.
 * @param facts `dIn` is the width of the activations at the hookpoint
 * @param source name of the configuration, for errors
 * @throws SdmError when widths or step counts contradict each other
 */
export function resolveDefaults(
  config: Config,
  facts: { dIn: number },
  source = "configuration",
): ResolvedConfig {
  const steps = stepsOf(config);
  const dictionary = resolveDictionary(config, facts.dIn, steps, source);
  const { save_every, n_checkpoints = 10, log_every } = config.train;
  return withoutUndefined({
    ...config,
    dictionary,
    train: {
      ...config.train,
      log_every: log_every ?? Math.min(100, Math.max(1, Math.round(steps / 200))),
      save_every: save_every ?? Math.ceil(steps / n_checkpoints),
      n_checkpoints: undefined,
    },
    optimizer: resolveOptimizer(config, dictionary.d_sae, steps, source),
  });
}
