/**
 * What a configuration says about model and text, in the terms of the room that opens them.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { hubNameText, parseDatasetName } from "../files/hub_names.ts";
import { FAMILIES } from "./families.ts";
import type { Config } from "./types.ts";

/** Model and hookpoints. */
export interface ModelOptions {
  /** ONNX file. */
  model: string;
  /** tokenizer.json. */
  tokenizer?: string;
  /** Hookpoints or tensors; `*` in a name stands for every layer. */
  inputs: readonly string[];
  /** The same for what is to be reconstructed, where that is something else. */
  outputs: readonly string[];
  /** Which ONNX Runtime. */
  provider: Config["model"]["provider"];
  /** Threads of the model. */
  threads?: number;
  /** Whether contexts start with BOS. */
  prependBos: boolean | "auto";
  /** Token ids whose rows are left out. */
  excludeTokens: "special" | readonly number[];
}

/** A part of a dataset of the hub. */
export interface DatasetPart {
  /** Its name, maybe with revision, configuration and split. */
  name: string;
  /** Configuration, where the name says none. */
  config?: string;
  /** Split, where the name says none. */
  split?: string;
  /** Fetch parquet files whole. */
  whole: boolean;
}

/** Model, hookpoints and one part of the text. */
export interface TextOptions extends ModelOptions {
  /** Training text. */
  text: readonly string[];
  /** A dataset of the hub in place of `text`. */
  dataset?: DatasetPart;
  /** Held-out text. */
  evalText?: readonly string[];
  /** Held-out text out of a dataset. */
  evalDataset?: DatasetPart;
  /** Share of the contexts held out without it. */
  evalFraction: number;
  /** Field of a JSON line. */
  textField: string;
  /** Tokens of a context. */
  contextSize: number;
  /** Leave out position 0. */
  dropFirst: boolean;
  /** Keep contexts whole: what is left out otherwise only does not count. */
  sequences: boolean;
  /** Tokens of training text to read at most. */
  maxTokens?: number;
  /** Tokens of held-out text to read at most. */
  maxEvalTokens?: number;
  /** Contexts of one model run. */
  contextsPerRun?: number;
  /** Which part is wanted. */
  part: "train" | "held_out";
}

/** Names of hookpoints that a configuration reads, and of those that are to be reconstructed. */
export function hookpointNames({ model }: Config): { inputs: string[]; outputs: string[] } {
  const { hookpoint, hookpoints = [], hookpoint_out, hookpoints_out = [] } = model;
  return {
    inputs: [...(hookpoint === undefined ? [] : [hookpoint]), ...hookpoints],
    outputs: [...(hookpoint_out === undefined ? [] : [hookpoint_out]), ...hookpoints_out],
  };
}

/** The dataset of a configuration; a split that is told holds over the one in its name. */
function datasetPart(data: Config["data"], split: string | undefined): DatasetPart | undefined {
  if (data.dataset === undefined) return undefined;
  const name = parseDatasetName(data.dataset);
  return {
    name: hubNameText(name),
    config: data.dataset_config ?? name.config,
    split: split ?? name.split,
    whole: data.dataset_whole,
  };
}

/**
 * The model part of a configuration.
 * @throws SdmError when no model or no hookpoint is named
 */
export function modelOptions(config: Config): ModelOptions {
  const { model, data } = config;
  const names = hookpointNames(config);
  if (!model.onnx || names.inputs.length === 0) {
    throw new SdmError("Cannot open the model: model.onnx and model.hookpoint are needed");
  }
  return {
    model: model.onnx,
    tokenizer: model.tokenizer,
    ...names,
    provider: model.provider,
    threads: model.threads,
    prependBos: data.prepend_bos,
    excludeTokens: data.exclude_tokens,
  };
}

/**
 * Model and text of a configuration. Only as much training text is read as `rows` rows need.
 * @throws SdmError when model, hookpoint or text is not named
 */
export function textOptions(
  config: Config,
  part: TextOptions["part"],
  rows: number = config.train.training_tokens,
): TextOptions {
  const { data, train } = config;
  const dataset = datasetPart(data, data.dataset_split);
  if (!data.text && !dataset && !(part === "held_out" && data.eval_text)) {
    throw new SdmError("Cannot open text: data.text or data.dataset is needed");
  }
  // A tenth more makes up for dropped positions; the held-out share comes on top.
  const evalDataset = data.dataset_eval_split === undefined
    ? undefined
    : datasetPart(data, data.dataset_eval_split);
  const share = data.eval_text ?? evalDataset ? 1 : 1 / (1 - data.eval_fraction);
  const needed = Math.ceil(rows * 1.1 * share) + 64 * data.context_size;
  return {
    ...modelOptions(config),
    text: data.text ?? [],
    dataset,
    evalText: data.eval_text,
    evalDataset,
    evalFraction: data.eval_fraction,
    textField: data.text_field,
    contextSize: data.context_size,
    dropFirst: data.drop_first,
    sequences: FAMILIES[config.dictionary.type].sequences,
    maxTokens: Math.min(data.max_tokens ?? Infinity, needed),
    maxEvalTokens: Math.ceil(Math.max(train.eval_tokens, train.downstream_tokens) * 1.1) +
      data.context_size,
    contextsPerRun: data.harvest_contexts,
    part,
  };
}
