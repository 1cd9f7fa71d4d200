/**
 * Which tokens of a tokenizer are special, and which of them begin and end a text.
 * @module
 */

/** A tokenizer.json as far as this program looks into it. */
export interface TokenizerJson {
  /** Tokens beside the model's vocabulary. */
  added_tokens?: { id: number; content: string; special?: boolean }[];
  /** What is put around a text. */
  post_processor?: PostProcessorJson | null;
  /** What turns tokens back into text. */
  decoder?: ComponentJson | null;
  /** What splits a text into words. */
  pre_tokenizer?: ComponentJson | null;
  /** The vocabulary and its algorithm. */
  model: Record<string, unknown> & { type?: string };
}

/** A part of a tokenizer.json that may be a sequence of parts. */
export interface ComponentJson {
  /** Name of the part: "ByteLevel", "Metaspace", "Sequence", … */
  type: string;
  /** Parts of a sequence, in decoders. */
  decoders?: ComponentJson[];
  /** Parts of a sequence, in pre-tokenizers. */
  pretokenizers?: ComponentJson[];
}

interface PostProcessorJson {
  type: string;
  single?: Record<string, { id: string }>[];
  processors?: PostProcessorJson[];
}

/** The files beside tokenizer.json that may name special tokens. */
export interface SiblingConfigs {
  /** tokenizer_config.json. */
  tokenizerConfig?: Record<string, unknown>;
  /** config.json or generation_config.json of the model. */
  modelConfig?: Record<string, unknown>;
}

/** Special tokens, by id. */
export interface SpecialTokens {
  /** All special ids, ascending. */
  ids: number[];
  /** Token that begins a text, if the model has one. */
  bosId?: number;
  /** Token that ends a text, if the model has one. */
  eosId?: number;
}

const BOS_NAMES = ["<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "[CLS]"];
const EOS_NAMES = ["</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "[SEP]"];

/**
 * Special tokens from tokenizer.json and the files beside it. BOS and EOS are taken from the first of these that names
 * one: tokenizer_config.json, the model's config.json, the template of tokenizer.json, well-known names; a model whose
 * one end token is all it has (GPT-2) begins with that.
 */
export function findSpecialTokens(
  json: TokenizerJson,
  idOf: (token: string) => number | undefined,
  siblings: SiblingConfigs,
): SpecialTokens {
  const added = json.added_tokens ?? [];
  const ids = new Set(added.filter((token) => token.special).map((token) => token.id));
  const named = (end: "bos" | "eos") => {
    const fromTokenizer = contentOf(siblings.tokenizerConfig?.[`${end}_token`]);
    return (fromTokenizer === undefined ? undefined : idOf(fromTokenizer)) ??
      idIn(siblings.modelConfig, `${end}_token_id`);
  };
  const known = (names: string[]) => names.map((n) => idOf(n)).find((id) => id !== undefined);
  const template = templateEnds(json.post_processor, idOf);
  const eosId = named("eos") ?? template.last ?? known(EOS_NAMES);
  const endOfText = idOf("<|endoftext|>");
  const bosId = named("bos") ?? template.first ?? known(BOS_NAMES) ??
    (endOfText === eosId ? endOfText : undefined);
  for (const id of [bosId, eosId]) if (id !== undefined) ids.add(id);
  return { ids: [...ids].sort((a, b) => a - b), bosId, eosId };
}

/** A token of tokenizer_config.json is a string or an object with its content. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

/** An id of config.json: a number, the first of a list, or either in `text_config`. */
function idIn(config: Record<string, unknown> | undefined, key: string): number | undefined {
  if (!config) return undefined;
  const value = config[key];
  const id = Array.isArray(value) ? value[0] : value;
  if (typeof id === "number" && Number.isInteger(id) && id >= 0) return id;
  const inner = config.text_config;
  return typeof inner === "object" && inner !== null
    ? idIn(inner as Record<string, unknown>, key)
    : undefined;
}

function templateEnds(
  processor: PostProcessorJson | null | undefined,
  idOf: (token: string) => number | undefined,
): { first?: number; last?: number } {
  if (processor?.type === "Sequence") {
    return (processor.processors ?? []).map((p) => templateEnds(p, idOf))
      .find((ends) => ends.first !== undefined || ends.last !== undefined) ?? {};
  }
  if (processor?.type !== "TemplateProcessing") return {};
  const parts = processor.single ?? [];
  const special = (part?: Record<string, { id: string }>) =>
    part?.SpecialToken ? idOf(part.SpecialToken.id) : undefined;
  return { first: special(parts[0]), last: special(parts[parts.length - 1]) };
}
