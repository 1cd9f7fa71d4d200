/**
 * Fills the defaults that depend on the width of the model and on the number of steps. Pure.
 * @module
 */
import { planKeyGrid } from "../blocks/coders/pkm_plan.ts";
import { latentsOf } from "./check.ts";
import {
  checkCounts,
  checkScreen,
  nestedWeights,
  nestedWidths,
  refuse,
} from "./check_dictionary.ts";
import { TRANSCODERS } from "./families.ts";
import type { OptimizerName } from "./names.ts";
import type { Config, DictionaryConfig, ResolvedConfig } from "./types.ts";

/** Facts about the activations that defaults depend on. */
export interface WidthFacts {
  /** Width at the hookpoint. */
  dIn: number;
  /** Width at the output hookpoint; `dIn` when left out. */
  dOut?: number;
  /** Layers of a cross-layer transcoder. */
  layers?: number;
  /** Tokens of a context, where the data has whole contexts of a length of its own. */
  contextSize?: number;
}

/** Steps of a run: enough batches to see `training_tokens` rows. */
export function stepsOf(config: Config): number {
  return Math.ceil(config.train.training_tokens / config.train.batch_tokens);
}

/**
 * Learning rate for `dSae` latents: 2e-4 / sqrt(d_sae / 2^14) (Gao et al.), for signum 5e-3 by the same law; Muon's
 * does not depend on the width. Source: architectures spec, section 13.2.
 */
export function automaticLr(dSae: number, optimizer: OptimizerName = "adam"): number {
  if (optimizer === "muon") return 2e-3;
  return (optimizer === "signum" ? 5e-3 : 2e-4) / Math.sqrt(dSae / 2 ** 14);
}

function checkFacts(given: DictionaryConfig, facts: WidthFacts, source: string): void {
  if (given.d_in !== undefined && given.d_in !== facts.dIn) {
    refuse(source, `dictionary.d_in is ${given.d_in}, the activations have width ${facts.dIn}`);
  }
  const dOut = facts.dOut ?? facts.dIn;
  if (given.d_out !== undefined && given.d_out !== dOut) {
    refuse(source, `dictionary.d_out is ${given.d_out}, the output has width ${dOut}`);
  }
  if (given.n_layers !== undefined && given.n_layers !== facts.layers) {
    refuse(
      source,
      `dictionary.n_layers is ${given.n_layers}, model.hookpoints names ${facts.layers ?? 1}`,
    );
  }
}

/** Only those defaults whose key the family reads: what `rules.ts` left out stays out. */
function resolveDictionary(config: Config, facts: WidthFacts, steps: number, source: string) {
  const given = config.dictionary;
  const { dIn } = facts;
  checkFacts(given, facts, source);
  const { d_sae, dead_after_tokens } = {
    d_sae: latentsOf(given, dIn, source),
    dead_after_tokens: given.dead_after_tokens ??
      Math.min(10_000_000, Math.max(1, Math.floor(0.05 * config.train.training_tokens))),
  };
  const dictionary = {
    ...given,
    d_in: dIn,
    d_out: TRANSCODERS.includes(given.type) ? facts.dOut ?? dIn : undefined,
    n_layers: given.type === "clt" ? facts.layers ?? 1 : undefined,
    d_sae,
    expansion_factor: undefined,
    dead_after_tokens,
    ...resolveCounts(given, dIn, d_sae, steps),
    ...resolvePenalty(given, dIn, steps, config.train.batch_tokens),
    ...resolveFamily(given, dIn, d_sae, source),
  };
  checkScreen(dictionary, source);
  checkCounts(dictionary, d_sae, source);
  return dictionary;
}

function resolveCounts(given: DictionaryConfig, dIn: number, dSae: number, steps: number) {
  const found: Partial<DictionaryConfig> = {};
  if (given.k_schedule !== undefined) {
    found.k_start = given.k_start ?? given.k;
    found.k_anneal_steps = given.k_anneal_steps ??
      (given.k_start === undefined ? 0 : Math.floor(0.8 * steps));
  }
  if (given.selection === "screened") {
    found.screen_dims = given.screen_dims ?? 4 * Math.ceil(dIn / 16);
  }
  if (given.auxk_coefficient !== undefined) {
    const halfWidth = 2 ** Math.max(0, Math.round(Math.log2(dIn / 2)));
    found.k_aux = given.k_aux ?? Math.min(halfWidth, dSae);
  }
  return found;
}

function resolvePenalty(given: DictionaryConfig, dIn: number, steps: number, batch: number) {
  const found: Partial<DictionaryConfig> = {};
  const { sparsity_penalty: penalty, activation } = given;
  if (penalty !== undefined) {
    // Steering needs the weight to itself; without it these penalties rise over the whole run.
    const slow = (penalty === "tanh" || penalty === "tanh_quad") && given.target_l0 === undefined;
    found.sparsity_warm_up_steps = given.sparsity_warm_up_steps ??
      (slow ? steps : Math.ceil(0.05 * steps));
  }
  if (given.p_end !== undefined) {
    found.p_anneal_start = given.p_anneal_start ?? Math.floor(0.3 * steps);
  }
  if (activation === "jumprelu") {
    // The values of Rajamanoharan et al. are for a mean square norm of 1; ours is d_in.
    found.jumprelu_bandwidth = given.jumprelu_bandwidth ?? 0.001 * Math.sqrt(dIn);
    found.jumprelu_init_threshold = given.jumprelu_init_threshold ?? 0.001 * Math.sqrt(dIn);
  }
  if (given.resample_every !== undefined) {
    found.resample_dead_after = given.resample_dead_after ??
      (given.resample_every > 0
        ? Math.max(1, Math.floor(given.resample_every / 2)) * batch
        : undefined);
  }
  return found;
}

function resolveFamily(given: DictionaryConfig, dIn: number, dSae: number, source: string) {
  const found: Partial<DictionaryConfig> = {};
  const widths = nestedWidths(given, dSae);
  if (widths) {
    found.matryoshka_widths = widths;
    found.matryoshka_fractions = undefined;
    found.matryoshka_weights = nestedWeights(given, widths.length, source);
  }
  if (given.pursuit_mode === "dynamic") found.max_iterations = given.max_iterations ?? dIn;
  if (given.encoder === "pkm") found.pkm_m1 = planKeyGrid(dSae, 1, given.pkm_m1).m1;
  if (given.type === "lorsa") {
    const dQk = given.d_qk_head ?? usualHeadWidth(dIn);
    found.d_qk_head = dQk;
    found.n_qk_heads = given.n_qk_heads ?? largestDivisor(dSae, Math.max(1, Math.floor(dIn / dQk)));
    found.attn_scale = given.attn_scale ?? Math.sqrt(dQk);
    const wide = dQk * (given.rotary_scale ?? 1);
    if (given.positional_embedding === "rotary") found.rotary_dim = given.rotary_dim ?? wide;
    if ((found.rotary_dim ?? 0) % 2 !== 0 || (found.rotary_dim ?? 0) > wide) {
      refuse(
        source,
        `dictionary.rotary_dim is ${found.rotary_dim} and d_qk_head ${dQk}, an even number of at ` +
          "most d_qk_head is needed",
      );
    }
  }
  return found;
}

/** Largest multiple of 4 up to 64 that divides the width; 4 where there is none. */
function usualHeadWidth(of: number): number {
  let width = 64;
  while (width > 4 && of % width !== 0) width -= 4;
  return width;
}

function largestDivisor(of: number, most: number): number {
  let divisor = Math.min(of, most);
  while (of % divisor !== 0) divisor--;
  return divisor;
}

function resolveOptimizer(config: Config, dSae: number, steps: number, source: string) {
  const given = config.optimizer;
  const warmUp = given.lr_warm_up_steps ??
    (given.optimizer === "signum" ? 0 : Math.min(1000, Math.ceil(0.05 * steps)));
  const rest = steps - warmUp;
  const fall = given.lr_schedule === "constant"
    ? 0
    : given.lr_schedule === "constantwithwarmup"
    ? Math.min(Math.floor(0.2 * steps), rest)
    : rest;
  const decay = given.lr_decay_steps ?? fall;
  if (decay < 0 || warmUp + decay > steps) {
    refuse(
      source,
      `lr_warm_up_steps is ${warmUp} and lr_decay_steps ${Math.max(0, decay)}, together at most ` +
        `the ${steps} steps of the run are possible`,
      "a longer run: --training-tokens",
    );
  }
  return {
    ...given,
    lr: given.lr === "auto" ? automaticLr(dSae, given.optimizer) : given.lr,
    lr_warm_up_steps: warmUp,
    lr_decay_steps: decay,
  };
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/**
 * The configuration with every number that training needs; the same numbers again when it is resolved twice.
 * @param source name of the configuration, for errors
 * @throws SdmError when widths or step counts contradict each other
 */
export function resolveDefaults(
  config: Config,
  facts: WidthFacts,
  source = "configuration",
): ResolvedConfig {
  const steps = stepsOf(config);
  const dictionary = resolveDictionary(config, facts, steps, source);
  const { save_every, n_checkpoints = 10, log_every, loss = "fvu" } = config.train;
  return withoutUndefined({
    ...config,
    data: { ...config.data, context_size: facts.contextSize ?? config.data.context_size },
    dictionary,
    train: {
      ...config.train,
      loss,
      log_every: log_every ?? Math.min(100, Math.max(1, Math.round(steps / 200))),
      save_every: save_every ?? Math.ceil(steps / n_checkpoints),
      n_checkpoints: undefined,
    },
    optimizer: resolveOptimizer(config, dictionary.d_sae, steps, source),
  });
}
