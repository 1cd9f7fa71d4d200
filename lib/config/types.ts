/**
 * The shape of a checked configuration. Units, defaults and reasons stand in the schema (`docs/configuration.md`,
 * `sdm train --help`); the compiler checks that schema and shape agree, a test that their sentences do.
 * @module
 */
import type { ProviderName } from "../onnx/types.ts";

/** `[model]`: the language model. */
export interface ModelConfig {
  /** The language model as an ONNX file, for example from optimum's exporter. */
  onnx?: string;
  /** The tokenizer.json that belongs to the model. */
  tokenizer?: string;
  /** Where activations are read: a canonical name such as blocks.2.hook_resid_post, or an ONNX tensor. */
  hookpoint?: string;
  /** Which ONNX Runtime runs the model. */
  provider: ProviderName;
  /** Threads of the language model. */
  threads?: number;
}

/** `[data]`: text, contexts, masks, stores. */
export interface DataConfig {
  /** Training text: .txt, .jsonl (also .gz) files, or folders of them. */
  text?: string[];
  /** Held-out text, never trained on. */
  eval_text?: string[];
  /** Share of the contexts that is held out when there is no data.eval_text. */
  eval_fraction: number;
  /** Field of a .jsonl line that holds the text. */
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

/** `[dictionary]`: shape and loss terms of the dictionary. */
export interface DictionaryConfig {
  /** Family of the dictionary. */
  type: "topk";
  /** Width of the activations; only compared with what the model gives. */
  d_in?: number;
  /** Number of latents. */
  d_sae?: number;
  /** Number of latents as a multiple of d_in; d_sae takes its place. */
  expansion_factor?: number;
  /** Latents that are active on a token. */
  k: number;
  /** Value of k at the first step, from which it falls linearly to k. */
  k_start?: number;
  /** Steps over which k falls from k_start to k. */
  k_anneal_steps?: number;
  /** Weight of the AuxK loss, by which dead latents learn the residual; 0 turns it off. */
  auxk_coefficient: number;
  /** Dead latents that may take part in the AuxK loss on a token. */
  k_aux?: number;
  /** A latent that did not fire for so many tokens counts as dead. */
  dead_after_tokens?: number;
  /** Scaling of the input: by one number for the whole data set so that the mean norm is sqrt(d_in), or none. */
  normalize_activations: "expected_average_only_in" | "none";
  /** Where the output bias starts: a centre of the first rows, or zero. */
  init_b_dec: "geometric_median" | "mean" | "zero";
}

/** `[train]`: length of the run and what is written while it goes on. */
export interface TrainConfig {
  /** Rows to train on, all epochs together. */
  training_tokens: number;
  /** Rows of one step. */
  batch_tokens: number;
  /** Reconstruction loss: the fraction of variance that is unexplained. */
  loss: "fvu";
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
}

/** `[optimizer]`: Adam and its schedule. */
export interface OptimizerConfig {
  /** Largest learning rate; "auto" is 2e-4 / sqrt(d_sae / 16384). */
  lr: number | "auto";
  /** Steps over which the learning rate rises linearly from 0. */
  lr_warm_up_steps?: number;
  /** Steps at the end over which the learning rate falls linearly to 0. */
  lr_decay_steps?: number;
  /** Adam's decay rates of the first and the second moment. */
  betas: [number, number];
  /** Adam's smallest denominator. */
  eps: number;
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

/** A configuration in which everything that training needs is a number; what a run's `config.json` holds. */
export interface ResolvedConfig extends Config {
  /** Shape with all numbers. */
  dictionary:
    & DictionaryConfig
    & Required<
      Pick<
        DictionaryConfig,
        "d_in" | "d_sae" | "k_start" | "k_anneal_steps" | "k_aux" | "dead_after_tokens"
      >
    >;
  /** Section `[train]`. */
  train: TrainConfig & Required<Pick<TrainConfig, "log_every" | "save_every">>;
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
