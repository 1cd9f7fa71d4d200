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
  "data.dataset": ["dataset_path", "hf_dataset"],
  "data.text_field": ["text_column", "text_key"],
  "model.hookpoint": ["hook_name", "hook_point", "hook_point_in"],
  "model.hookpoint_out": ["hook_point_out", "hook_name_out"],
  "model.hookpoints": ["hook_points", "hook_points_in"],
  "model.hookpoints_out": ["hook_points_out"],
  "data.context_size": ["ctx_len", "n_ctx"],
  "data.drop_first": ["remove_first_token"],
  "data.exclude_tokens": ["exclude_special_tokens", "ignore_token_ids"],
  "dictionary.type": ["architecture", "sae_type"],
  "dictionary.activation": ["activation_fn", "act_fn"],
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
  "dictionary.k_schedule": ["k_schedule_type"],
  "dictionary.auxk_coefficient": ["auxk_alpha", "auxk_coef"],
  "dictionary.k_aux": ["top_k_aux"],
  "dictionary.dead_after_tokens": [
    "dead_feature_threshold",
    "dead_threshold",
    "dead_toks_threshold",
  ],
  "dictionary.normalize_activations": ["norm_activation"],
  "dictionary.sparsity_penalty": ["sparsity_loss_type"],
  "dictionary.l1_coefficient": ["l1_penalty", "sparsity_lambda"],
  "dictionary.sparsity_warm_up_steps": [
    "l1_warm_up_steps",
    "l0_warm_up_steps",
    "sparsity_warmup_steps",
    "l1_coefficient_warmup_steps",
  ],
  "dictionary.tanh_c": ["tanh_stretch_coefficient", "jumprelu_tanh_scale"],
  "dictionary.pre_act_coefficient": ["pre_act_loss_coefficient"],
  "dictionary.jumprelu_bandwidth": ["bandwidth", "jumprelu_threshold_window"],
  "dictionary.threshold_lr_factor": ["jumprelu_lr_factor"],
  "dictionary.matryoshka_fractions": ["cumulative_group_fractions"],
  "dictionary.matryoshka_weights": ["group_weights"],
  "dictionary.rotary_adjacent_pairs": ["adjacent_pairs"],
  "dictionary.rotary_scaling": ["use_NTK_by_parts_rope"],
  "dictionary.ntk_factor": ["NTK_by_parts_factor"],
  "dictionary.ntk_low_freq_factor": ["NTK_by_parts_low_freq_factor"],
  "dictionary.ntk_high_freq_factor": ["NTK_by_parts_high_freq_factor"],
  "dictionary.ntk_old_context": ["old_context_len"],
  "train.training_tokens": ["total_training_tokens"],
  "train.batch_tokens": ["train_batch_size_tokens"],
  "train.log_every": ["log_interval", "log_steps", "log_frequency", "wandb_log_frequency"],
  "train.save_every": ["checkpoint_interval"],
  "optimizer.optimizer": ["optimizer.type", "optimizer_class", "optimizer_type"],
  "optimizer.lr": ["learning_rate"],
  "optimizer.lr_schedule": ["lr_scheduler_name"],
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
  ["group_sizes", "it lists blocks; write dictionary.matryoshka_widths, the sums up to each block"],
  [
    "group_fractions",
    "it lists blocks; write dictionary.matryoshka_fractions, the sums up to each",
  ],
  ["k_anneal_mul", "it is a multiple of d_in; write dictionary.k_start"],
  ["transcode", 'write dictionary.type = "transcoder"'],
  ["skip_connection", 'write dictionary.type = "skip_transcoder"'],
]);

/** Values of other programs by key path, with ours. */
const VALUES: Record<string, readonly (readonly [unknown, unknown])[]> = {
  "dictionary.type": [
    ["standard", "relu"],
    ["matryoshka_batchtopk", "matryoshka"],
    ["batch_topk", "batchtopk"],
    ["jump_relu", "jumprelu"],
    ["mp", "matching_pursuit"],
    ["cross_layer_transcoder", "clt"],
    ["low_rank_sparse_attention", "lorsa"],
  ],
  "dictionary.activation": [
    ["jump_relu", "jumprelu"],
    ["batch_topk", "batchtopk"],
  ],
  "dictionary.sparsity_penalty": [
    ["power", "lp_norm"],
    ["tanh-quad", "tanh_quad"],
  ],
  "dictionary.normalize_activations": [
    ["dataset-wise", "expected_average_only_in"],
    ["dataset", "expected_average_only_in"],
    ["token-wise", "token"],
    ["constant_norm_rescale", "token"],
  ],
  "dictionary.rotary_scaling": [[true, "by_parts"], [false, "none"]],
  "optimizer.optimizer": [
    ["sparseadam", "sparse_adam"],
  ],
  "data.exclude_tokens": [[true, "special"], [false, []]],
};

/** Our value for another program's value of the key `path`; anything else as it is. */
export function aliasedValue(path: string, value: unknown): unknown {
  for (const [theirs, ours] of VALUES[path] ?? []) if (value === theirs) return ours;
  return value;
}
