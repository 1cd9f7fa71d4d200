/**
 * Keys of `[dictionary]` for penalties and thresholds, and those of single families.
 * Which families read a key, and the defaults that depend on the family, stand in `families.ts`.
 * @module
 */
import { z } from "zod";
import {
  optionalChoice,
  optionalFlag,
  optionalNumber,
  optionalNumbers,
  optionalWhole,
  whole,
} from "./field.ts";
import { PENALTIES } from "./names.ts";

/** Penalties on active latents, and thresholds. */
export const penalties = {
  sparsity_penalty: optionalChoice(PENALTIES, {
    description: "What is penalised: the size of latents (l1, lp_norm, lp), or about their number.",
    reason: "L1 is the classic of ReLU; tanh counts active latents and still has a slope.",
  }),
  l1_coefficient: optionalNumber({ min: 0 }, {
    description: "Largest weight of a penalty on the size of latents.",
    reason: "Anthropic's of April 2024 at a mean norm of sqrt(d_in); target_l0 finds it for you.",
  }),
  l0_coefficient: optionalNumber({ min: 0 }, {
    description: "Largest weight of a penalty on the number of latents.",
    reason: "5 to 20 in Anthropic's of January 2025; target_l0 finds it for you.",
  }),
  lp_norm: optionalNumber({ above: 0 }, {
    description: "Exponent p of the penalties lp_norm and lp.",
    reason: "With 1 both are the L1 penalty.",
  }),
  p_end: optionalNumber({ min: 0 }, {
    description: "Exponent towards which lp_norm is stepped; it is never quite reached.",
    fallback: "lp_norm, that is no annealing",
    reason: "p below 1 shrinks less, but cannot be started with.",
  }),
  p_anneal_start: optionalWhole(0, {
    description: "Step at which the exponent begins to change.",
    unit: "steps",
    fallback: "three tenths of the steps",
    reason: "First a dictionary at p = 1, as dictionary_learning.",
  }),
  p_anneal_updates: optionalWhole(1, {
    description: "Number of changes of the exponent, evenly spread over the rest of the run.",
    reason: "dictionary_learning's value.",
  }),
  tanh_c: optionalNumber({ above: 0 }, {
    description: "Steepness c of tanh(c f).",
    reason: "Anthropic's of January 2025.",
  }),
  frequency_scale: optionalNumber({ above: 0 }, {
    description: "Firing frequency from which tanh_quad penalises a latent more.",
    reason: "Llamascopium's value: latents that fire on more than one token in a hundred.",
  }),
  pre_act_coefficient: optionalNumber({ min: 0 }, {
    description: "Weight of the loss that pulls pre-activations up to their threshold.",
    reason: "Anthropic's of January 2025; it is what revives dead latents of thresholds.",
  }),
  pre_act_scope: optionalChoice(["all", "dead"], {
    description: "Latents that the pre-activation loss acts on.",
    reason: "All as Anthropic; SAELens takes the dead ones only.",
  }),
  sparsity_warm_up_steps: optionalWhole(0, {
    description: "Steps over which the weight of the penalty rises linearly from 0.",
    unit: "steps",
    fallback: "all steps for tanh and tanh_quad without target_l0, else 5 % of the steps",
    reason: "A full penalty on random weights kills latents.",
  }),
  target_l0: optionalNumber({ above: 0 }, {
    description:
      "Mean number of active latents to be reached; the weight of the penalty is steered towards it.",
    fallback: "none, the weight follows its own course",
    reason: "Dictionaries are comparable at equal L0 only; searching the weight takes many runs.",
  }),
  jumprelu_bandwidth: optionalNumber({ above: 0 }, {
    description: "Full width of the window around a threshold in which it gets a gradient.",
    fallback: "2 for tanh and tanh_quad, else 0.001 sqrt(d_in)",
    reason: "Anthropic's of January 2025; Rajamanoharan et al. at a mean norm of sqrt(d_in).",
  }),
  jumprelu_init_threshold: optionalNumber({ above: 0 }, {
    description: "Thresholds at the start.",
    fallback: "0.1 for tanh and tanh_quad, else 0.001 sqrt(d_in)",
    reason: "Anthropic's of January 2025; Rajamanoharan et al. at a mean norm of sqrt(d_in).",
  }),
  jumprelu_threshold: optionalChoice(["raw", "log"], {
    description: "What is trained: the threshold, or its logarithm.",
    reason: "Adam hardly moves a small threshold through its logarithm.",
  }),
  ste_to_input: optionalFlag({
    description: "Whether the gradient of the window reaches pre-activations too.",
    reason: "Papers train the threshold alone through the window.",
  }),
  threshold_lr_factor: optionalNumber({ above: 0 }, {
    description: "Factor of the learning rate of thresholds.",
    reason: "The same rate as the other parameters.",
  }),
};

const POSITIVE = z.number().gt(0);

/** Options of single families. */
export const families = {
  matryoshka_widths: optionalNumbers(whole(1), "a list of whole numbers of at least 1", {
    description:
      "Cumulative numbers of latents of the nested dictionaries, ascending; d_sae is added.",
    fallback: "matryoshka_fractions of d_sae",
    reason: "Give them where you want to cut the dictionary later.",
  }),
  matryoshka_fractions: optionalNumbers(
    POSITIVE.max(1),
    "a list of numbers above 0 and of at most 1",
    {
      description: "The same as shares of d_sae; matryoshka_widths takes its place.",
      fallback: "1/16, 1/8, 1/4, 1/2, 1",
      reason: "Each dictionary has as many latents again as those inside of it.",
    },
  ),
  matryoshka_weights: optionalNumbers(z.number().min(0), "a list of numbers of at least 0", {
    description: "Weights of the nested reconstructions' losses.",
    fallback: "equal ones with sum 1",
    reason: "The loss then has the size of an ordinary one.",
  }),
  matryoshka_sampled: optionalChoice(["none", "pareto", "uniform"], {
    description: "Whether the nested widths are drawn anew in every step, and by which law.",
    reason: "Fixed widths are what a dictionary is cut at.",
  }),
  matryoshka_prefixes: optionalWhole(1, {
    description: "Nested dictionaries of a step when they are drawn, the whole one among them.",
    reason: "Ten as in matryoshka-saes; the uniform law draws one.",
  }),
  include_bias_level: optionalFlag({
    description: "Whether a reconstruction by the decoder bias alone counts as one more level.",
    reason: "Bussmann et al. have it; the bias learns the mean by itself.",
  }),
  pursuit_mode: optionalChoice(["static", "dynamic"], {
    description: "Whether a pursuit makes k iterations, or stops row by row.",
    reason: "Static is several times faster and no worse.",
  }),
  max_iterations: optionalWhole(1, {
    description: "Most iterations of a dynamic pursuit.",
    fallback: "d_in",
    reason: "A row of width d_in needs no more.",
  }),
  residual_threshold: optionalNumber({ min: 0 }, {
    description: "Length of the residual at which a row is done; 0 turns it off.",
    reason: "SAELens' value; in units of the scaled activations.",
  }),
  stop_on_duplicate_support: optionalFlag({
    description: "Whether a row is done when an iteration brings no new latent.",
    reason: "SAELens' value; further iterations only refine latents that are there.",
  }),
  pkm_heads: optionalWhole(1, {
    description: "Independent sets of product keys, each of which finds its share of k.",
    reason: "One head finds the k largest scores, as a dense encoder would.",
  }),
  pkm_m1: optionalWhole(1, {
    description: "Keys of the first side; the second has d_sae over this, rounded up.",
    fallback: "the divisor of d_sae nearest to its root; the root where none is near",
    reason: "Equal sides need the fewest keys.",
  }),
  pkm_bias: optionalFlag({
    description: "Whether latents scored by product keys have a bias each.",
    reason: "The k largest are found exactly with it too, but then every latent is looked at.",
  }),
  n_qk_heads: optionalWhole(1, {
    description: "Heads that make attention patterns; d_sae is a multiple of it.",
    fallback: "the largest divisor of d_sae up to d_in / d_qk_head",
    reason: "At least the model's number of heads; more with more latents.",
  }),
  d_qk_head: optionalWhole(1, {
    description: "Width of queries and keys, a multiple of 4.",
    fallback: "the largest multiple of 4 up to 64 that divides d_in, else 4",
    reason: 'The model\'s own head width, which lorsa_init = "mhsa" needs.',
  }),
  positional_embedding: optionalChoice(["rotary", "none"], {
    description: "How positions enter queries and keys.",
    reason: "As nearly all models of today; none for GPT-2.",
  }),
  rotary_dim: optionalWhole(2, {
    description: "Leading dimensions of queries and keys that are rotated.",
    fallback: "d_qk_head",
    reason: "All of them, as Llama; a quarter in Pythia.",
  }),
  rotary_base: optionalNumber({ above: 0 }, {
    description: "Base of the rotation's frequencies.",
    reason: "The value of the first rotary models; give the model's own.",
  }),
  rotary_adjacent_pairs: optionalFlag({
    description:
      "Whether neighbouring dimensions are rotated together, or those half of rotary_dim apart.",
    reason: "Llama, Pythia and most exports rotate halves; GPT-J rotates neighbours.",
  }),
  rotary_scale: optionalWhole(1, {
    description: "How often every dimension of queries and keys is repeated before the rotation.",
    reason: "As nearly all models; attn_scale stays what it is.",
  }),
  rotary_scaling: optionalChoice(["none", "by_parts"], {
    description: "How frequencies are scaled for contexts longer than the model's first ones.",
    reason: "Llama 3.1 and 3.2 scale by parts; most models do not.",
  }),
  ntk_factor: optionalNumber({ min: 1 }, {
    description: "How much slower the long waves of the rotation turn.",
    reason: "The value of Llama 3.1; Llama 3.2 has 32.",
  }),
  ntk_low_freq_factor: optionalNumber({ above: 0 }, {
    description: "Waves longer than the old context over this are long.",
    reason: "The value of Llama 3.1.",
  }),
  ntk_high_freq_factor: optionalNumber({ above: 0 }, {
    description: "Waves shorter than the old context over this are left alone.",
    reason: "The value of Llama 3.1.",
  }),
  ntk_old_context: optionalWhole(1, {
    description: "Context that the model had before its frequencies were scaled.",
    reason: "The value of Llama 3.1.",
  }),
  use_post_qk_ln: optionalFlag({
    description: "Whether queries and keys are divided by their root mean square, head by head.",
    reason: "Qwen3 and Gemma 3 do, most models do not.",
  }),
  qk_ln_eps: optionalNumber({ above: 0 }, {
    description: "Added to the mean of squares of a query or key.",
    reason: "The value of Qwen3 and Gemma 3.",
  }),
  attn_scale: optionalNumber({ above: 0 }, {
    description: "Divisor of attention scores.",
    fallback: "sqrt(d_qk_head)",
    reason: "As in attention.",
  }),
  lorsa_init: optionalChoice(["default", "mhsa", "active_subspace"], {
    description: "Where attention weights start: at random, or from the model's own attention.",
    reason:
      "Works for every model; mhsa takes the model's queries and keys, active_subspace what it writes as well.",
  }),
};
