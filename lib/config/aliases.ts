/**
 * Names that other programs use for our keys. Only names whose unit and meaning are ours are accepted; those that
 * look alike but mean something else are refused with a word on what to write.
 * @module
 */

/** Other programs' names by the path of our key. */
const NAMES_BY_PATH: Record<string, readonly string[]> = {
  "output_path": ["save_dir", "checkpoint_path"],
  "model.onnx": ["model", "model_path", "onnx_path"],
  "model.tokenizer": ["tokenizer_path"],
  "model.hookpoint": ["hook_name", "hook_point", "hook_point_in"],
  "data.context_size": ["ctx_len", "n_ctx"],
  "data.drop_first": ["remove_first_token"],
  "data.exclude_tokens": ["exclude_special_tokens", "ignore_token_ids"],
  "dictionary.type": ["architecture", "activation", "activation_fn"],
  "dictionary.d_in": ["activation_dim", "act_size", "n_inputs", "d_model"],
  "dictionary.d_sae": [
    "num_latents",
    "n_latents",
    "dict_size",
    "n_dirs",
    "nb_concepts",
    "num_features",
  ],
  "dictionary.k": ["top_k"],
  "dictionary.k_start": ["initial_k"],
  "dictionary.k_anneal_steps": ["k_decay_steps", "k_warmup_steps"],
  "dictionary.auxk_coefficient": ["auxk_alpha", "auxk_coef"],
  "dictionary.k_aux": ["top_k_aux"],
  "dictionary.dead_after_tokens": [
    "dead_feature_threshold",
    "dead_threshold",
    "dead_toks_threshold",
  ],
  "dictionary.normalize_activations": ["norm_activation"],
  "train.training_tokens": ["total_training_tokens"],
  "train.batch_tokens": ["train_batch_size_tokens"],
  "train.log_every": ["log_interval", "log_steps", "log_frequency", "wandb_log_frequency"],
  "train.save_every": ["checkpoint_interval"],
  "optimizer.lr": ["learning_rate"],
  "optimizer.lr_warm_up_steps": ["lr_warmup_steps", "warmup_steps"],
  "optimizer.lr_decay_steps": ["lr_cool_down_steps"],
  "optimizer.clip_grad_norm": ["clip_grad"],
};

/** Path of our key by another program's name for it. */
export const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries(NAMES_BY_PATH).flatMap(([path, names]) => names.map((name) => [name, path])),
);

/** Names of other programs that mean something else than they seem to: what to write in their place. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  [
    "batch_size",
    "programs count it in sequences or in tokens; write train.batch_tokens, in tokens",
  ],
  ["buffer_size", "programs count it in different units; write data.buffer_tokens, in rows"],
  ["steps", "write train.training_tokens, which is steps times train.batch_tokens"],
  ["num_steps", "write train.training_tokens, which is steps times train.batch_tokens"],
  ["training_steps", "write train.training_tokens, which is steps times train.batch_tokens"],
  ["max_examples", "it counts sequences; write train.training_tokens"],
  ["dead_feature_window", "it counts steps; write dictionary.dead_after_tokens"],
  ["aux_loss_coefficient", "its loss is not normalised; write dictionary.auxk_coefficient"],
]);

/** Values of other programs by key path, with ours. */
const VALUES: Record<string, readonly (readonly [unknown, unknown])[]> = {
  "dictionary.normalize_activations": [["dataset-wise", "expected_average_only_in"], [
    "dataset",
    "expected_average_only_in",
  ]],
  "data.exclude_tokens": [[true, "special"], [false, []]],
};

/** Our value for another program's value of the key `path`; anything else as it is. */
export function aliasedValue(path: string, value: unknown): unknown {
  for (const [theirs, ours] of VALUES[path] ?? []) if (value === theirs) return ours;
  return value;
}
