/**
 * Keys of `[dictionary]` that say what a dictionary is, and those of families that fix how many latents are active.
 * Which families read a key, and the defaults that depend on the family, stand in `families.ts`.
 * @module
 */
import {
  choice,
  defaultNumber,
  optionalChoice,
  optionalFlag,
  optionalNumber,
  optionalWhole,
} from "./field.ts";
import { ACTIVATIONS, ENCODERS, NORMALIZATIONS, TYPES } from "./names.ts";

/** Family, sizes, biases, decoder. */
export const shape = {
  type: choice(TYPES, {
    description: "Family of the dictionary.",
    reason: "TopK fixes the number of active latents directly and has no shrinkage.",
  }),
  activation: optionalChoice(ACTIVATIONS, {
    description:
      "What makes pre-activations into latents: a selection by count, a threshold, a gate.",
    fallback:
      "that of the type's name; topk for pkm, transcoders, clt and lorsa, batchtopk for matryoshka",
    reason: "The family's own where it has one; a transcoder takes nearly any.",
  }),
  encoder: optionalChoice(ENCODERS, {
    description: "How latents are scored: each by a row of its own, or by sums of product keys.",
    reason: "Product keys pay at very many latents.",
  }),
  d_in: optionalWhole(1, {
    description: "Width of the activations; only compared with what the model gives.",
    fallback: "the width at the hookpoint",
    reason: "It is a fact of the model, not a choice.",
  }),
  d_out: optionalWhole(1, {
    description:
      "Width of what is reconstructed, where that is another hookpoint; only compared with what the model gives.",
    fallback: "the width at the output hookpoint",
    reason: "It is a fact of the model, not a choice.",
  }),
  n_layers: optionalWhole(1, {
    description: "Layers of a cross-layer transcoder; only compared with the hookpoints.",
    fallback: "the number of hookpoints",
    reason: "It follows from model.hookpoints.",
  }),
  d_sae: optionalWhole(1, {
    description: "Number of latents; of each layer where there are several.",
    fallback: "expansion_factor times d_in",
    reason: "Given by the width of the model unless you know better.",
  }),
  expansion_factor: optionalNumber({ above: 0 }, {
    description: "Number of latents as a multiple of d_in; d_sae takes its place.",
    fallback: "16",
    reason: "Tutorials use 8 to 16, large runs 32 and more.",
  }),
  normalize_activations: choice(NORMALIZATIONS, {
    description:
      "Scaling of activations: by one number a hookpoint so that the mean norm is sqrt(width), none, or row by row.",
    reason:
      "Makes learning rates carry over between models; it is folded into the weights on export.",
  }),
  use_decoder_bias: optionalFlag({
    description: "Whether the decoder has a bias.",
    reason: "It holds what all rows have in common, which latents need not spend themselves on.",
  }),
  apply_b_dec_to_input: optionalFlag({
    description: "Whether the decoder bias is taken from the input.",
    reason: "The encoder then sees rows about their centre; a transcoder's bias lives elsewhere.",
  }),
  init_b_dec: optionalChoice(["geometric_median", "mean", "zero"], {
    description: "Where the output bias starts: a centre of the first rows, or zero.",
    reason: "The median ignores the few huge rows that move the mean.",
  }),
  init_b_enc: optionalChoice(["zero", "quantile"], {
    description:
      "Where encoder biases start: at zero, or where a wanted share of rows passes the thresholds.",
    reason:
      "The quantile is Anthropic's of January 2025: 10 000 / d_sae of the rows, at most half.",
  }),
  normalize_decoder: optionalFlag({
    description: "Whether decoder rows are kept at length 1.",
    reason: "A latent's value is then its size; penalised families weigh with the length instead.",
  }),
  decoder_init_norm: optionalNumber({ above: 0 }, {
    description: "Length of a decoder row at the start.",
    reason: "Short rows let penalised families begin near zero, as Anthropic's of April 2024.",
  }),
  sparsity_include_decoder_norm: optionalFlag({
    description:
      "Whether selections and thresholds look at scores times the length of the latent's decoder row.",
    reason:
      "What a latent adds to the output is then compared; penalties weigh with free rows in any case.",
  }),
  dead_after_tokens: optionalWhole(1, {
    description: "A latent that did not fire for so many tokens counts as dead.",
    unit: "tokens",
    fallback: "the smaller of 10 000 000 and 5 % of training_tokens",
    reason: "10 million is the community's value; short runs would never reach it.",
  }),
  resample_every: optionalWhole(0, {
    description:
      "Steps between two resamplings, in which silent latents start anew from rows that are badly reconstructed; 0 turns it off.",
    unit: "steps",
    reason: "An option of Bricken et al. for families without AuxK; off, as trainers do today.",
  }),
  resample_dead_after: optionalWhole(1, {
    description: "A latent that did not fire for so many tokens is resampled.",
    unit: "tokens",
    fallback: "the tokens of resample_every / 2 steps",
    reason: "Bricken et al.",
  }),
};

/** Selections by count, AuxK. */
export const counts = {
  k: defaultNumber({ above: 0 }, 32, {
    description: "Latents that are active on a token; batch selections take a fraction too.",
    reason: "What sparsify and OpenAI use; compare dictionaries at equal k only.",
  }),
  k_start: optionalWhole(1, {
    description: "Value of k at the first step, from which it falls to k.",
    fallback: "k, that is no annealing",
    reason: "A larger k early in a run leaves fewer dead latents.",
  }),
  k_anneal_steps: optionalWhole(0, {
    description: "Steps over which k falls from k_start to k.",
    unit: "steps",
    fallback: "four fifths of the steps when k_start is given",
    reason: "The last fifth trains at the k that is used afterwards.",
  }),
  k_schedule: optionalChoice(["linear", "exponential"], {
    description: "How k falls: in a straight line, or fast at first.",
    reason: "Linear spends as long at every k; exponential saves time where k_start is large.",
  }),
  k_exponential_factor: optionalNumber({ above: 0 }, {
    description: "How much faster an exponential k falls at first.",
    reason: "Llamascopium's value; its cross-layer example takes 30.",
  }),
  multi_topk: optionalFlag({
    description: "Whether a second reconstruction from 4 k latents adds an eighth of its loss.",
    reason: "Keeps a dictionary useful at larger k (Gao et al.); costs a second decode.",
  }),
  selection: optionalChoice(["exact", "screened"], {
    description:
      "Whether every latent is scored exactly in training, or only the best by scores along a few axes.",
    reason:
      "Exact misses nothing; what screened misses is logged as sparsity/screen_recall. The trained dictionary is run exactly.",
  }),
  screen_dims: optionalWhole(4, {
    description:
      "Principal axes of the activations that a screened selection scores all latents along; a multiple of 4.",
    fallback: "a quarter of d_in, rounded up to a multiple of 4",
    reason: "Cost grows with it, and so does what is found.",
  }),
  screen_factor: optionalWhole(1, {
    description: "Latents of a row that a screened selection scores exactly, in units of k.",
    reason: "More cost little beside the scores of all latents, until there are hundreds.",
  }),
  auxk_coefficient: defaultNumber({ min: 0 }, 1 / 32, {
    description:
      "Weight of the AuxK loss, by which dead latents learn the residual; 0 turns it off.",
    reason: "1/32 as in Gao et al.; the loss is normalised, so it does not depend on the model.",
  }),
  k_aux: optionalWhole(1, {
    description: "Dead latents that may take part in the AuxK loss on a token.",
    fallback: "the power of two nearest to d_in / 2, at most d_sae",
    reason: "Gao et al.; about as many as the residual has directions.",
  }),
  aux_select: optionalChoice(["row", "batch"], {
    description: "Whether AuxK takes the largest dead latents of each row, or of the whole batch.",
    reason: "By row as in Gao et al.; by batch gives badly reconstructed rows more of them.",
  }),
  batchtopk_gate: optionalChoice(["select", "running_quantile", "control"], {
    description:
      "What a batch selection compares with: an exact choice in the batch, a running quantile, or a steered threshold.",
    reason: "The exact choice has k active latents in every batch.",
  }),
  threshold_ema: optionalNumber({ min: 0, below: 1 }, {
    description: "Share of the old value when the running threshold of a batch selection moves.",
    reason: "About the last thousand steps, as dictionary_learning.",
  }),
};
