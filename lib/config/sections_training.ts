/**
 * The sections that say how a dictionary is trained: its family, the length of the run, the optimiser, the adapter.
 * @module
 */
import { z } from "zod";
import { families, penalties } from "./dictionary_options.ts";
import { counts, shape } from "./dictionary_shape.ts";
import {
  choice,
  defaultNumber,
  defaultWhole,
  field,
  optionalChoice,
  optionalNumber,
  optionalWhole,
} from "./field.ts";
import { LOSSES, LR_SCHEDULES, OPTIMIZERS } from "./names.ts";

/** `[dictionary]`: family, shape and loss terms of the dictionary. */
export const dictionary = z.strictObject({ ...shape, ...counts, ...penalties, ...families });

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
  loss: optionalChoice(LOSSES, {
    description:
      "Reconstruction loss: a fraction of the batch's variance, squares a row, squares an element, or a fraction of a variance measured once.",
    reason:
      "fvu does not depend on the scale of the activations; published weights of penalties assume sum_mean.",
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
  downstream_tokens: defaultWhole(0, 16384, {
    description:
      "Held-out tokens on which the model's losses with reconstructions are measured; 0 leaves them out.",
    unit: "tokens",
    reason: "The model runs four times over them; loss recovered is then known to about a percent.",
  }),
  ablate_positions: choice(["all", "kept_only"], {
    description:
      "Where zero and the mean are put in the runs that losses are compared with: at every position, or only where reconstructions are.",
    reason: "All, first positions too, is what SAEBench and SAELens do.",
  }),
});

const BETA = z.number().min(0).lt(1);

/** `[optimizer]`: the optimiser and its schedule. */
export const optimizer = z.strictObject({
  optimizer: choice(OPTIMIZERS, {
    description: "Rule of the update.",
    reason: "Adam needs the least care; Muon is good at short runs of transcoders.",
  }),
  lr: field(z.union([z.number().gt(0), z.literal("auto")]).default("auto"), {
    kind: "number",
    description:
      'Largest learning rate; "auto" is 2e-4 / sqrt(d_sae / 16384), with signum 5e-3 by the same law, with muon 2e-3.',
    reason: "The scaling law of Gao et al.: wider dictionaries want smaller steps.",
    needs: 'a number above 0 or "auto"',
  }),
  lr_warm_up_steps: optionalWhole(0, {
    description: "Steps over which the learning rate rises linearly from 0.",
    unit: "steps",
    fallback: "the smaller of 1000 and 5 % of the steps; none with signum",
    reason: "Adam's second moments are noise at first; signum averages by itself.",
  }),
  lr_schedule: choice(LR_SCHEDULES, {
    description:
      "Course after the warm-up: constant with a fall at the end, a linear or cosine fall all the way, or constant.",
    reason: "Most of the run at the full rate, and a fall at the end; signum averages instead.",
  }),
  lr_decay_steps: optionalWhole(0, {
    description: "Steps at the end over which the learning rate falls.",
    unit: "steps",
    fallback: "20 % of the steps; with linear and cosine all after the warm-up, with constant none",
    reason: "The fall removes the noise of the last steps and lowers FVU for free.",
  }),
  lr_end_ratio: defaultNumber({ min: 0, max: 1 }, 0, {
    description: "Learning rate at the end of the fall as a share of the largest.",
    reason: "Nothing is gained by steps that leave noise.",
  }),
  betas: field(z.tuple([BETA, BETA]).default([0.9, 0.999]), {
    kind: "numbers",
    description: "Adam's decay rates of the first and the second moment.",
    reason: "What nearly all trainers of TopK dictionaries use.",
    needs: "two numbers from 0 up to but not including 1",
  }),
  eps: defaultNumber({ above: 0 }, 1e-8, {
    description: "Adam's smallest denominator.",
    reason: "Adam's usual value.",
  }),
  momentum: optionalNumber({ min: 0, below: 1 }, {
    description: "Share of the past in the direction of signum and Muon.",
    reason: "sparsify's value.",
  }),
  weight_decay: optionalNumber({ min: 0 }, {
    description: "Share of a weight that a learning rate of 1 would take away in a step.",
    reason: "The usual values of AdamW and of sparsify's Muon.",
  }),
  clip_grad_norm: defaultNumber({ min: 0 }, 1, {
    description: "Largest L2 norm of the whole gradient; 0 turns clipping off.",
    reason: "Stops one odd batch from undoing many steps.",
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
  autotune: choice(["auto", "off"], {
    description:
      "Whether the fastest variants of kernels are looked for on an adapter that is new.",
    reason: "Once an adapter and driver, under a minute; none on adapters that compute on the CPU.",
  }),
  timestamps: choice(["off", "on"], {
    description: "Whether each kernel is timed with timestamp queries.",
    reason: "Costs a little; sdm bench turns it on.",
  }),
});
