/**
 * The names that a configuration may choose from: families, activations, penalties, losses, optimisers.
 * @module
 */

/** Families of dictionaries. */
export const TYPES = [
  "topk",
  "relu",
  "groupmax",
  "batchtopk",
  "jumprelu",
  "gated",
  "matryoshka",
  "matching_pursuit",
  "pkm",
  "transcoder",
  "skip_transcoder",
  "clt",
  "lorsa",
] as const;
/** One of {@link TYPES}. */
export type TypeName = typeof TYPES[number];

/** What makes pre-activations into latents. */
export const ACTIVATIONS = [
  "topk",
  "relu",
  "groupmax",
  "batchtopk",
  "jumprelu",
  "gated",
  "layertopk",
  "batchlayertopk",
] as const;
/** One of {@link ACTIVATIONS}. */
export type ActivationName = typeof ACTIVATIONS[number];

/** How latents are scored. */
export const ENCODERS = ["dense", "pkm"] as const;
/** One of {@link ENCODERS}. */
export type EncoderName = typeof ENCODERS[number];

/** Penalties that keep latents from being active. */
export const PENALTIES = [
  "l1",
  "lp_norm",
  "lp",
  "tanh",
  "tanh_quad",
  "l0",
  "target_l0",
] as const;
/** One of {@link PENALTIES}. */
export type PenaltyName = typeof PENALTIES[number];

/** Reconstruction losses. */
export const LOSSES = ["fvu", "sum_mean", "mean", "fixed_fvu"] as const;
/** One of {@link LOSSES}. */
export type LossName = typeof LOSSES[number];

/** Optimisers. */
export const OPTIMIZERS = ["adam", "adamw", "sparse_adam", "signum", "muon"] as const;
/** One of {@link OPTIMIZERS}. */
export type OptimizerName = typeof OPTIMIZERS[number];

/** Courses of the learning rate. */
export const LR_SCHEDULES = ["constantwithwarmup", "linear", "cosine", "constant"] as const;
/** One of {@link LR_SCHEDULES}. */
export type LrScheduleName = typeof LR_SCHEDULES[number];

/** Scalings of the input. */
export const NORMALIZATIONS = [
  "expected_average_only_in",
  "none",
  "token",
  "layer_norm",
] as const;
/** One of {@link NORMALIZATIONS}. */
export type NormalizationName = typeof NORMALIZATIONS[number];
