/**
 * The shape of a checked configuration. Units, defaults and reasons stand in the schema (`docs/configuration.md`,
 * `sdm train --help`); the compiler checks that schema and shape agree, a test that their sentences do.
 * @module
 */
import type { HubDtype } from "../files/hub_names.ts";
import type { ProviderName } from "../onnx/types.ts";
import type { LossName, LrScheduleName, OptimizerName } from "./names.ts";
import type { DictionaryConfig } from "./types_dictionary.ts";

export type { DictionaryConfig } from "./types_dictionary.ts";

/** `[model]`: the language model. */
export interface ModelConfig {
  /** The language model: an ONNX file, a folder with one, or owner/name on the hub. */
  onnx?: string;
  /** The hub's repository and commit that model.onnx was fetched from. */
  hub?: string;
  /** Which of a hub repository's ONNX files is meant, by its precision. */
  dtype?: HubDtype;
  /** The tokenizer.json that belongs to the model. */
  tokenizer?: string;
  /** Where activations are read: a canonical name such as blocks.2.hook_resid_post, or an ONNX tensor. */
  hookpoint?: string;
  /** What a transcoder or lorsa reconstructs from the activations at hookpoint. */
  hookpoint_out?: string;
  /** Inputs of a cross-layer transcoder, one a layer; * stands for every layer, as in blocks.*.mlp.hook_in. */
  hookpoints?: string[];
  /** Outputs of a cross-layer transcoder, one a layer, as blocks.*.hook_mlp_out. */
  hookpoints_out?: string[];
  /** Which ONNX Runtime runs the model. */
  provider: ProviderName;
  /** Threads of the language model. */
  threads?: number;
}

/** `[data]`: text, contexts, masks, stores. */
export interface DataConfig {
  /** Training text: .txt, .jsonl (also .gz or .zst) and .parquet files, or folders of them. */
  text?: string[];
  /** A dataset of the hub as training text: owner/name, also with @revision, :config and /split. */
  dataset?: string;
  /** Configuration (subset) of data.dataset. */
  dataset_config?: string;
  /** Split of data.dataset that is trained on. */
  dataset_split?: string;
  /** Split of data.dataset that is held out. */
  dataset_eval_split?: string;
  /** Whether parquet files of data.dataset are fetched whole. */
  dataset_whole: boolean;
  /** Held-out text, never trained on. */
  eval_text?: string[];
  /** Share of the contexts that is held out when there is no data.eval_text. */
  eval_fraction: number;
  /** Field of a .jsonl line, or column of a .parquet file, that holds the text. */
  text_field: string;
  /** Tokens of one context that the model reads at once. */
  context_size: number;
  /** Whether each context starts with the tokenizer's BOS token. */
  prepend_bos: boolean | "auto";
  /** Whether the first position of each context is left out. */
  drop_first: boolean;
  /** Token ids whose activations are left out; "special" means those so marked. */
  exclude_tokens: "special" | number[];
  /** Activation store to train from, made by sdm harvest; takes the place of data.text. */
  activations?: string;
  /** Rows of a block, the unit of shuffling and of reading. */
  buffer_tokens: number;
  /** Tokens of text that are used; the rest is ignored. */
  max_tokens?: number;
  /** Contexts that the model runs at once. */
  harvest_contexts: number;
}

/** `[train]`: length of the run and what is written while it goes on. */
export interface TrainConfig {
  /** Rows to train on, all epochs together. */
  training_tokens: number;
  /** Rows of one step. */
  batch_tokens: number;
  /** Reconstruction loss: a fraction of the batch's variance, squares a row, squares an element, or a fraction of a variance measured once. */
  loss?: LossName;
  /** Steps between two lines of metrics.jsonl; only then figures leave the adapter. */
  log_every?: number;
  /** Steps between two checkpoints. */
  save_every?: number;
  /** Checkpoints of a whole run, evenly spread; save_every takes its place. */
  n_checkpoints?: number;
  /** Newest checkpoints that stay on disk. */
  keep_checkpoints: number;
  /** Held-out rows that the final evaluation reads. */
  eval_tokens: number;
  /** Held-out tokens on which the model's losses with reconstructions are measured; 0 leaves them out. */
  downstream_tokens: number;
  /** Where zero and the mean are put in the runs that losses are compared with: at every position, or only where reconstructions are. */
  ablate_positions: "all" | "kept_only";
}

/** `[optimizer]`: the optimiser and its schedule. */
export interface OptimizerConfig {
  /** Rule of the update. */
  optimizer: OptimizerName;
  /** Largest learning rate; "auto" is 2e-4 / sqrt(d_sae / 16384), with signum 5e-3 by the same law, with muon 2e-3. */
  lr: number | "auto";
  /** Steps over which the learning rate rises linearly from 0. */
  lr_warm_up_steps?: number;
  /** Course after the warm-up: constant with a fall at the end, a linear or cosine fall all the way, or constant. */
  lr_schedule: LrScheduleName;
  /** Steps at the end over which the learning rate falls. */
  lr_decay_steps?: number;
  /** Learning rate at the end of the fall as a share of the largest. */
  lr_end_ratio: number;
  /** Adam's decay rates of the first and the second moment. */
  betas: [number, number];
  /** Adam's smallest denominator. */
  eps: number;
  /** Share of the past in the direction of signum and Muon. */
  momentum?: number;
  /** Share of a weight that a learning rate of 1 would take away in a step. */
  weight_decay?: number;
  /** Largest L2 norm of the whole gradient; 0 turns clipping off. */
  clip_grad_norm: number;
}

/** `[gpu]`: the adapter. */
export interface GpuConfig {
  /** Which adapter is asked for where there are several. */
  power_preference: "high-performance" | "low-power";
  /** Artificial cap of one buffer binding. */
  max_binding_bytes?: number;
  /** Whether kernels may use subgroup operations where the adapter has them. */
  subgroups: "auto" | "off";
  /** Whether the fastest variants of kernels are looked for on an adapter that is new. */
  autotune: "auto" | "off";
  /** Whether each kernel is timed with timestamp queries. */
  timestamps: "off" | "on";
}

/** `[report]`: what the report shows. */
export interface ReportConfig {
  /** Latents that get a card in the report. */
  latents: number;
  /** Contexts of strong activation on each card. */
  contexts: number;
  /** Tokens shown around the strongest activation of a context. */
  context_window: number;
  /** Whether a finished training run is evaluated and gets its report by itself. */
  eval: boolean;
}

/**
 * A checked configuration with its plain defaults. Values that depend on the width of the model or on the number
 * of steps may still be undefined; `resolveDefaults` fills them.
 */
export interface Config {
  /** Folder of the run: configuration, metrics, checkpoints, final weights, report. */
  output_path: string;
  /** Seed of all random streams: initial weights, order of the data, samples. */
  seed: number;
  /** Section `[model]`. */
  model: ModelConfig;
  /** Section `[data]`. */
  data: DataConfig;
  /** Section `[dictionary]`. */
  dictionary: DictionaryConfig;
  /** Section `[train]`. */
  train: TrainConfig;
  /** Section `[optimizer]`. */
  optimizer: OptimizerConfig;
  /** Section `[gpu]`. */
  gpu: GpuConfig;
  /** Section `[report]`. */
  report: ReportConfig;
}

/**
 * A configuration in which everything that training needs is a number; what a run's `config.json` holds. Keys that the
 * family does not read are undefined.
 */
export interface ResolvedConfig extends Config {
  /** Shape with all numbers. */
  dictionary:
    & DictionaryConfig
    & Required<Pick<DictionaryConfig, "d_in" | "d_sae" | "dead_after_tokens">>;
  /** Section `[train]`. */
  train: TrainConfig & Required<Pick<TrainConfig, "loss" | "log_every" | "save_every">>;
  /** Section `[optimizer]`. */
  optimizer: OptimizerConfig & {
    /** Learning rate as a number. */
    lr: number;
    /** Steps of warm-up. */
    lr_warm_up_steps: number;
    /** Steps of decay. */
    lr_decay_steps: number;
  };
}

/** Name of a section; the empty name stands for the keys outside of any section. */
export type SectionName =
  | ""
  | "model"
  | "data"
  | "dictionary"
  | "train"
  | "optimizer"
  | "gpu"
  | "report";
