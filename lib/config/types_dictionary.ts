/**
 * The shape of the section `[dictionary]`. Which keys a family reads, and what holds when they are left out, stands in
 * `families.ts`; keys that the family does not read are undefined in a checked configuration.
 * @module
 */
import type {
  ActivationName,
  EncoderName,
  NormalizationName,
  PenaltyName,
  TypeName,
} from "./names.ts";

/** What a dictionary is and how its decoder is kept. */
export interface ShapeConfig {
  /** Family of the dictionary. */
  type: TypeName;
  /** What makes pre-activations into latents: a selection by count, a threshold, a gate. */
  activation?: ActivationName;
  /** How latents are scored: each by a row of its own, or by sums of product keys. */
  encoder?: EncoderName;
  /** Width of the activations; only compared with what the model gives. */
  d_in?: number;
  /** Width of what is reconstructed, where that is another hookpoint; only compared with what the model gives. */
  d_out?: number;
  /** Layers of a cross-layer transcoder; only compared with the hookpoints. */
  n_layers?: number;
  /** Number of latents; of each layer where there are several. */
  d_sae?: number;
  /** Number of latents as a multiple of d_in; d_sae takes its place. */
  expansion_factor?: number;
  /** Scaling of activations: by one number a hookpoint so that the mean norm is sqrt(width), none, or row by row. */
  normalize_activations: NormalizationName;
  /** Whether the decoder has a bias. */
  use_decoder_bias?: boolean;
  /** Whether the decoder bias is taken from the input. */
  apply_b_dec_to_input?: boolean;
  /** Where the output bias starts: a centre of the first rows, or zero. */
  init_b_dec?: "geometric_median" | "mean" | "zero";
  /** Where encoder biases start: at zero, or where a wanted share of rows passes the thresholds. */
  init_b_enc?: "zero" | "quantile";
  /** Whether decoder rows are kept at length 1. */
  normalize_decoder?: boolean;
  /** Length of a decoder row at the start. */
  decoder_init_norm?: number;
  /** Whether selections and thresholds look at scores times the length of the latent's decoder row. */
  sparsity_include_decoder_norm?: boolean;
  /** A latent that did not fire for so many tokens counts as dead. */
  dead_after_tokens?: number;
  /** Steps between two resamplings, in which silent latents start anew from rows that are badly reconstructed; 0 turns it off. */
  resample_every?: number;
  /** A latent that did not fire for so many tokens is resampled. */
  resample_dead_after?: number;
}

/** Families that fix how many latents are active. */
export interface CountConfig {
  /** Latents that are active on a token; batch selections take a fraction too. */
  k?: number;
  /** Value of k at the first step, from which it falls to k. */
  k_start?: number;
  /** Steps over which k falls from k_start to k. */
  k_anneal_steps?: number;
  /** How k falls: in a straight line, or fast at first. */
  k_schedule?: "linear" | "exponential";
  /** How much faster an exponential k falls at first. */
  k_exponential_factor?: number;
  /** Whether a second reconstruction from 4 k latents adds an eighth of its loss. */
  multi_topk?: boolean;
  /** Whether every latent is scored exactly in training, or only the best by scores along a few axes. */
  selection?: "exact" | "screened";
  /** Principal axes of the activations that a screened selection scores all latents along; a multiple of 4. */
  screen_dims?: number;
  /** Latents of a row that a screened selection scores exactly, in units of k. */
  screen_factor?: number;
  /** Weight of the AuxK loss, by which dead latents learn the residual; 0 turns it off. */
  auxk_coefficient?: number;
  /** Dead latents that may take part in the AuxK loss on a token. */
  k_aux?: number;
  /** Whether AuxK takes the largest dead latents of each row, or of the whole batch. */
  aux_select?: "row" | "batch";
  /** What a batch selection compares with: an exact choice in the batch, a running quantile, or a steered threshold. */
  batchtopk_gate?: "select" | "running_quantile" | "control";
  /** Share of the old value when the running threshold of a batch selection moves. */
  threshold_ema?: number;
}

/** Families that penalise active latents. */
export interface PenaltyConfig {
  /** What is penalised: the size of latents (l1, lp_norm, lp), or about their number. */
  sparsity_penalty?: PenaltyName;
  /** Largest weight of a penalty on the size of latents. */
  l1_coefficient?: number;
  /** Largest weight of a penalty on the number of latents. */
  l0_coefficient?: number;
  /** Exponent p of the penalties lp_norm and lp. */
  lp_norm?: number;
  /** Exponent towards which lp_norm is stepped; it is never quite reached. */
  p_end?: number;
  /** Step at which the exponent begins to change. */
  p_anneal_start?: number;
  /** Number of changes of the exponent, evenly spread over the rest of the run. */
  p_anneal_updates?: number;
  /** Steepness c of tanh(c f). */
  tanh_c?: number;
  /** Firing frequency from which tanh_quad penalises a latent more. */
  frequency_scale?: number;
  /** Weight of the loss that pulls pre-activations up to their threshold. */
  pre_act_coefficient?: number;
  /** Latents that the pre-activation loss acts on. */
  pre_act_scope?: "all" | "dead";
  /** Steps over which the weight of the penalty rises linearly from 0. */
  sparsity_warm_up_steps?: number;
  /** Mean number of active latents to be reached; the weight of the penalty is steered towards it. */
  target_l0?: number;
  /** Full width of the window around a threshold in which it gets a gradient. */
  jumprelu_bandwidth?: number;
  /** Thresholds at the start. */
  jumprelu_init_threshold?: number;
  /** What is trained: the threshold, or its logarithm. */
  jumprelu_threshold?: "raw" | "log";
  /** Whether the gradient of the window reaches pre-activations too. */
  ste_to_input?: boolean;
  /** Factor of the learning rate of thresholds. */
  threshold_lr_factor?: number;
}

/** Options of single families. */
export interface FamilyConfig {
  /** Cumulative numbers of latents of the nested dictionaries, ascending; d_sae is added. */
  matryoshka_widths?: number[];
  /** The same as shares of d_sae; matryoshka_widths takes its place. */
  matryoshka_fractions?: number[];
  /** Weights of the nested reconstructions' losses. */
  matryoshka_weights?: number[];
  /** Whether the nested widths are drawn anew in every step, and by which law. */
  matryoshka_sampled?: "none" | "pareto" | "uniform";
  /** Nested dictionaries of a step when they are drawn, the whole one among them. */
  matryoshka_prefixes?: number;
  /** Whether a reconstruction by the decoder bias alone counts as one more level. */
  include_bias_level?: boolean;
  /** Whether a pursuit makes k iterations, or stops row by row. */
  pursuit_mode?: "static" | "dynamic";
  /** Most iterations of a dynamic pursuit. */
  max_iterations?: number;
  /** Length of the residual at which a row is done; 0 turns it off. */
  residual_threshold?: number;
  /** Whether a row is done when an iteration brings no new latent. */
  stop_on_duplicate_support?: boolean;
  /** Independent sets of product keys, each of which finds its share of k. */
  pkm_heads?: number;
  /** Keys of the first side; the second has d_sae over this, rounded up. */
  pkm_m1?: number;
  /** Whether latents scored by product keys have a bias each. */
  pkm_bias?: boolean;
  /** Heads that make attention patterns; d_sae is a multiple of it. */
  n_qk_heads?: number;
  /** Width of queries and keys, a multiple of 4. */
  d_qk_head?: number;
  /** How positions enter queries and keys. */
  positional_embedding?: "rotary" | "none";
  /** Leading dimensions of queries and keys that are rotated. */
  rotary_dim?: number;
  /** Base of the rotation's frequencies. */
  rotary_base?: number;
  /** Whether neighbouring dimensions are rotated together, or those half of rotary_dim apart. */
  rotary_adjacent_pairs?: boolean;
  /** How often every dimension of queries and keys is repeated before the rotation. */
  rotary_scale?: number;
  /** How frequencies are scaled for contexts longer than the model's first ones. */
  rotary_scaling?: "none" | "by_parts";
  /** How much slower the long waves of the rotation turn. */
  ntk_factor?: number;
  /** Waves longer than the old context over this are long. */
  ntk_low_freq_factor?: number;
  /** Waves shorter than the old context over this are left alone. */
  ntk_high_freq_factor?: number;
  /** Context that the model had before its frequencies were scaled. */
  ntk_old_context?: number;
  /** Whether queries and keys are divided by their root mean square, head by head. */
  use_post_qk_ln?: boolean;
  /** Added to the mean of squares of a query or key. */
  qk_ln_eps?: number;
  /** Divisor of attention scores. */
  attn_scale?: number;
  /** Where attention weights start: at random, or from the model's own attention. */
  lorsa_init?: "default" | "mhsa" | "active_subspace";
}

/** `[dictionary]`: family, shape and loss terms of the dictionary. */
export interface DictionaryConfig extends ShapeConfig, CountConfig, PenaltyConfig, FamilyConfig {}
