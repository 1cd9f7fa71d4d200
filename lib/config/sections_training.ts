/**
 * The sections that say how a dictionary is trained: its shape, the length of the run, the optimiser, the adapter.
 * @module
 */
import { z } from "zod";
import { choice, defaultWhole, field, optionalWhole } from "./field.ts";

const COEFFICIENT = z.number().min(0);

/** `[dictionary]`: shape and loss terms of the dictionary. */
export const dictionary = z.strictObject({
  type: choice(["topk"], {
    description: "Family of the dictionary.",
    reason: "TopK fixes the number of active latents directly and has no shrinkage.",
  }),
  d_in: optionalWhole(1, {
    description: "Width of the activations; only compared with what the model gives.",
    fallback: "the width at the hookpoint",
    reason: "It is a fact of the model, not a choice.",
  }),
  d_sae: optionalWhole(1, {
    description: "Number of latents.",
    fallback: "expansion_factor times d_in",
    reason: "Given by the width of the model unless you know better.",
  }),
  expansion_factor: field(z.number().gt(0).optional(), {
    kind: "number",
    description: "Number of latents as a multiple of d_in; d_sae takes its place.",
    fallback: "16",
    reason: "Tutorials use 8 to 16, large runs 32 and more.",
    needs: "a number above 0",
  }),
  k: defaultWhole(1, 32, {
    description: "Latents that are active on a token.",
    reason: "What sparsify and OpenAI use; compare dictionaries at equal k only.",
  }),
  k_start: optionalWhole(1, {
    description: "Value of k at the first step, from which it falls linearly to k.",
    fallback: "k, that is no annealing",
    reason: "A larger k early in a run leaves fewer dead latents.",
  }),
  k_anneal_steps: optionalWhole(0, {
    description: "Steps over which k falls from k_start to k.",
    unit: "steps",
    fallback: "four fifths of the steps when k_start is given",
    reason: "The last fifth trains at the k that is used afterwards.",
  }),
  auxk_coefficient: field(COEFFICIENT.default(1 / 32), {
    kind: "number",
    description:
      "Weight of the AuxK loss, by which dead latents learn the residual; 0 turns it off.",
    reason: "1/32 as in Gao et al.; the loss is normalised, so it does not depend on the model.",
    needs: "a number of at least 0",
  }),
  k_aux: optionalWhole(1, {
    description: "Dead latents that may take part in the AuxK loss on a token.",
    fallback: "the power of two nearest to d_in / 2, at most d_sae",
    reason: "Gao et al.; about as many as the residual has directions.",
  }),
  dead_after_tokens: optionalWhole(1, {
    description: "A latent that did not fire for so many tokens counts as dead.",
    unit: "tokens",
    fallback: "the smaller of 10 000 000 and 5 % of training_tokens",
    reason: "10 million is the community's value; short runs would never reach it.",
  }),
  normalize_activations: choice(["expected_average_only_in", "none"], {
    description:
      "Scaling of the input: by one number for the whole data set so that the mean norm is sqrt(d_in), or none.",
    reason:
      "Makes learning rates carry over between models; it is folded into the weights on export.",
  }),
  init_b_dec: choice(["geometric_median", "mean", "zero"], {
    description: "Where the output bias starts: a centre of the first rows, or zero.",
    reason: "The median ignores the few huge rows that move the mean.",
  }),
});

/** `[train]`: length of the run and what is written while it goes on. */
export const train = z.strictObject({
  training_tokens: defaultWhole(1, 1_000_000, {
    description: "Rows to train on, all epochs together.",
    unit: "tokens",
    reason: "A first look in minutes; real dictionaries take 100 million and more.",
  }),
  batch_tokens: defaultWhole(1, 2048, {
    description: "Rows of one step.",
    unit: "tokens",
    reason: "Large enough for steady gradients, small enough for a software adapter.",
  }),
  loss: choice(["fvu"], {
    description: "Reconstruction loss: the fraction of variance that is unexplained.",
    reason: "Does not depend on the scale of the activations.",
  }),
  log_every: optionalWhole(1, {
    description: "Steps between two lines of metrics.jsonl; only then figures leave the adapter.",
    unit: "steps",
    fallback: "about 200 lines a run, at most 100 steps apart",
    reason: "A read-back waits for the adapter, so it must be rare.",
  }),
  save_every: optionalWhole(1, {
    description: "Steps between two checkpoints.",
    unit: "steps",
    fallback: "steps / n_checkpoints",
    reason: "What is lost at a power cut.",
  }),
  n_checkpoints: optionalWhole(1, {
    description: "Checkpoints of a whole run, evenly spread; save_every takes its place.",
    fallback: "10",
    reason: "At most a tenth of a run is ever lost.",
  }),
  keep_checkpoints: defaultWhole(1, 2, {
    description: "Newest checkpoints that stay on disk.",
    reason: "Two, so that a checkpoint that was damaged on disk is not the last one.",
  }),
  eval_tokens: defaultWhole(1, 65536, {
    description: "Held-out rows that the final evaluation reads.",
    unit: "tokens",
    reason: "FVU is then known to about three digits.",
  }),
});

const BETA = z.number().min(0).lt(1);

/** `[optimizer]`: Adam and its schedule. */
export const optimizer = z.strictObject({
  lr: field(z.union([z.number().gt(0), z.literal("auto")]).default("auto"), {
    kind: "number",
    description: 'Largest learning rate; "auto" is 2e-4 / sqrt(d_sae / 16384).',
    reason: "The scaling law of Gao et al.: wider dictionaries want smaller steps.",
    needs: 'a number above 0 or "auto"',
  }),
  lr_warm_up_steps: optionalWhole(0, {
    description: "Steps over which the learning rate rises linearly from 0.",
    unit: "steps",
    fallback: "the smaller of 1000 and 5 % of the steps",
    reason: "Adam's second moments are noise at first.",
  }),
  lr_decay_steps: optionalWhole(0, {
    description: "Steps at the end over which the learning rate falls linearly to 0.",
    unit: "steps",
    fallback: "20 % of the steps",
    reason: "The fall removes the noise of the last steps and lowers FVU for free.",
  }),
  betas: field(z.tuple([BETA, BETA]).default([0.9, 0.999]), {
    kind: "numbers",
    description: "Adam's decay rates of the first and the second moment.",
    reason: "What nearly all trainers of TopK dictionaries use.",
    needs: "two numbers from 0 up to but not including 1",
  }),
  eps: field(z.number().gt(0).default(1e-8), {
    kind: "number",
    description: "Adam's smallest denominator.",
    reason: "Adam's usual value.",
    needs: "a number above 0",
  }),
  clip_grad_norm: field(COEFFICIENT.default(1), {
    kind: "number",
    description: "Largest L2 norm of the whole gradient; 0 turns clipping off.",
    reason: "Stops one odd batch from undoing many steps.",
    needs: "a number of at least 0",
  }),
});

/** `[gpu]`: the adapter. */
export const gpu = z.strictObject({
  power_preference: choice(["high-performance", "low-power"], {
    description: "Which adapter is asked for where there are several.",
    reason: "Training wants the discrete one.",
  }),
  max_binding_bytes: optionalWhole(65536, {
    description: "Artificial cap of one buffer binding.",
    unit: "bytes",
    fallback: "what the adapter allows",
    reason: "For tests: it forces tensors to be split over several buffers.",
  }),
  subgroups: choice(["auto", "off"], {
    description: "Whether kernels may use subgroup operations where the adapter has them.",
    reason: "They are faster; off rules them out when a driver is suspected.",
  }),
  timestamps: choice(["off", "on"], {
    description: "Whether each kernel is timed with timestamp queries.",
    reason: "Costs a little; sdm bench turns it on.",
  }),
});
