/**
 * Text, tokenizer and model, opened together: training contexts, held-out contexts, and the runner of all hookpoints.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { OnProgress } from "../base/progress.ts";
import { openSpillFile } from "../files/spill_file.ts";
import type { Provenance } from "../models/record.ts";
import { dropFacts, type KeptPositions, keptPositions } from "../text/masks.ts";
import { packContexts, type TokenSet } from "../text/packing.ts";
import { type Corpus, type DatasetOptions, hubCorpus, localCorpus } from "./corpus.ts";
import { hookpointsOf } from "./points.ts";
import { openTappedModel, type TappedModel, type TappedModelOptions } from "./tapped_model.ts";

/** What to open. */
export interface TextInputOptions extends TappedModelOptions {
  /** Training text. */
  text: readonly string[];
  /** A dataset of the hub in place of `text`. */
  dataset?: DatasetOptions;
  /** Held-out text; without it the last `evalFraction` of the training contexts is held out. */
  evalText?: readonly string[];
  /** Held-out text out of a dataset, in place of `evalText`. */
  evalDataset?: DatasetOptions;
  /** Share of contexts held out when there is no `evalText`. */
  evalFraction: number;
  /** Field of a JSON line. */
  textField: string;
  /** Tokens of a context. */
  contextSize: number;
  /** Leave out position 0. */
  dropFirst: boolean;
  /** Keep contexts whole: what is left out otherwise only does not count. */
  sequences?: boolean;
  /** Tokens of training text to read at most. */
  maxTokens?: number;
  /** Tokens of held-out text to read at most. */
  maxEvalTokens?: number;
  /** Contexts of one model run. */
  contextsPerRun?: number;
  /** Token ids that may be in memory, see `SpillOptions`. */
  memoryTokens?: number;
  /** Which part is wanted: reading text that nobody needs takes time. */
  part: "train" | "held_out";
}

/** Model, tokenizer, and the contexts of one part of the text with the rows that they give. */
export interface TextInputs extends TappedModel {
  /** The contexts. */
  tokens: TokenSet;
  /** Their rows. */
  kept: KeptPositions;
  /** Which of them count, where contexts are kept whole. */
  counted?: KeptPositions;
  /** Contexts of one model run. */
  contextsPerRun?: number;
  /** Facts for manifests. */
  facts: TappedModel["facts"] & { data: Record<string, unknown> };
  /** Frees the text and the model; the model alone may be freed before. */
  close(): Promise<void>;
}

/** How opening speaks with its caller. */
export interface OpenHooks {
  /** Receives progress. */
  onProgress: OnProgress;
  /** Asks for a stop, of fetching too. */
  signal?: AbortSignal;
}

/**
 * Opens model, tokenizer and text.
 * @throws SdmError for whatever is missing, damaged or does not fit, and when it is stopped
 */
export async function openTextInputs(
  options: TextInputOptions,
  hooks: OpenHooks,
): Promise<TextInputs> {
  const model = await openTappedModel(options);
  let opened: { corpus: Corpus; tokens: TokenSet } | undefined;
  try {
    checkContexts(options, model);
    opened = await readPart(options, model, hooks);
    const { corpus, tokens } = opened;
    const wanted = keptPositions(tokens, {
      dropFirst: options.dropFirst,
      excludeTokens: model.excludeTokens,
    });
    const kept = options.sequences
      ? keptPositions(tokens, { dropFirst: false, excludeTokens: [] })
      : wanted;
    const data = {
      ...await corpus.facts(),
      part: options.part,
      text_field: options.textField,
      ctx_len: options.contextSize,
      dropped: {
        positions: wanted.counts.positions,
        kept: wanted.counts.kept,
        ...dropFacts(wanted.counts),
      },
    };
    return {
      ...model,
      tokens,
      kept,
      counted: options.sequences ? wanted : undefined,
      contextsPerRun: options.contextsPerRun,
      facts: { ...model.facts, data },
      async close() {
        tokens.close();
        await model.runner.close();
      },
    };
  } catch (error) {
    opened?.tokens.close();
    await model.runner.close();
    throw error;
  }
}

/** Refuses contexts that the model cannot take before any text is read. */
function checkContexts({ contextSize }: TextInputOptions, { contextLimit, facts }: TappedModel) {
  if (contextLimit === undefined || contextSize <= contextLimit) return;
  throw new SdmError(
    `Cannot use contexts of ${contextSize} tokens: model "${facts.model.id}" takes at most ` +
      `${contextLimit}, as many or fewer are needed`,
    { hint: `--context-size ${contextLimit}` },
  );
}

async function readPart(
  options: TextInputOptions,
  model: TappedModel,
  { onProgress, signal }: OpenHooks,
): Promise<{ corpus: Corpus; tokens: TokenSet }> {
  const open = (
    paths: readonly string[] | undefined,
    dataset: DatasetOptions | undefined,
    maxTokens: number | undefined,
  ) =>
    dataset
      ? hubCorpus(dataset, options.textField, onProgress, { maxTokens, signal })
      : localCorpus(paths ?? [], options.textField, onProgress);
  const pack = async (
    paths: readonly string[] | undefined,
    dataset: DatasetOptions | undefined,
    maxTokens: number | undefined,
  ) => {
    const corpus = await open(paths, dataset, maxTokens);
    const tokens = await packContexts(corpus.documents(), model.tokenizer, {
      contextSize: options.contextSize,
      prependBos: model.prependBos,
      maxTokens,
      onProgress: corpus.onProgress,
      signal,
      spill: openSpillFile,
      memoryTokens: options.memoryTokens,
    });
    return { corpus, tokens };
  };
  const heldOut = options.part === "held_out";
  if (options.evalText ?? options.evalDataset) {
    return heldOut
      ? await pack(options.evalText, options.evalDataset, options.maxEvalTokens)
      : await pack(options.text, options.dataset, options.maxTokens);
  }
  const { corpus, tokens } = await pack(options.text, options.dataset, options.maxTokens);
  const cut = tokens.contexts - Math.max(1, Math.round(tokens.contexts * options.evalFraction));
  if (cut < 1) {
    tokens.close();
    throw new SdmError(
      `Cannot hold out text for evaluation: it fills ${tokens.contexts} contexts, 2 are needed`,
      { hint: "give more text, or data.eval_text" },
    );
  }
  return {
    corpus,
    tokens: heldOut ? tokens.slice(cut, tokens.contexts) : tokens.slice(0, cut),
  };
}

/** Where rows of these inputs come from, as exports say it. */
export function provenanceOf(inputs: TextInputs): Provenance {
  const { points, facts, tokens, kept, counted = kept } = inputs;
  return {
    ...hookpointsOf(points),
    modelName: facts.model.id,
    modelSha256: facts.model.onnx_sha256,
    tokenizerSha256: String(facts.tokenizer.sha256),
    contextSize: tokens.contextSize,
    prependBos: tokens.prependBos,
    droppedPositions: [...counted.droppedPositions],
    droppedTokens: [...counted.droppedTokens],
    data: String(facts.data.id),
  };
}
