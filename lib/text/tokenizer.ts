/**
 * A tokenizer.json, loaded and checked.
 * @module
 */
import { createHash } from "node:crypto";
import { Tokenizer } from "@huggingface/tokenizers";
import { messageOf, SdmError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { cachedEncoder } from "./encoder.ts";
import { findSpecialTokens, type TokenizerJson } from "./special_tokens.ts";
import { alphabetOf, tokenText } from "./token_text.ts";

/** A tokenizer that is ready for use. */
export interface TokenizerHandle {
  /** Where it was loaded from. */
  readonly path: string;
  /** SHA-256 of tokenizer.json, hex. */
  readonly sha256: string;
  /** One more than the largest token id. */
  readonly vocabSize: number;
  /** All special token ids, ascending. */
  readonly specialIds: readonly number[];
  /** Token that begins a text, if there is one. */
  readonly bosId?: number;
  /** Token that ends a text, if there is one. */
  readonly eosId?: number;
  /** Ids of a text, without special tokens around it. */
  encode(text: string): number[];
  /** A token as a person reads it; bytes that are no whole characters are written `\xNN`. */
  tokenText(id: number): string;
  /** The text that ids stand for. */
  decode(ids: ArrayLike<number>): string;
}

/**
 * Loads a tokenizer.json; tokenizer_config.json and config.json beside it, if there, name BOS and EOS.
 * @throws {SdmError} when it is missing, cut short or no tokenizer.
 */
export async function loadTokenizer(path: string): Promise<TokenizerHandle> {
  const bytes = await readBytes(path);
  const json = parse(bytes, path) as TokenizerJson;
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  const tokenizerConfig = await readSibling(`${folder}/tokenizer_config.json`);
  const modelConfig = await readSibling(`${folder}/config.json`) ??
    await readSibling(`${folder}/generation_config.json`);
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, tokenizerConfig ?? {});
    tokenizer.encode("a", { add_special_tokens: false });
  } catch (error) {
    throw notATokenizer(path, `the library says "${messageOf(error)}"`, error);
  }
  const vocabulary = tokenizer.get_vocab();
  if (vocabulary.size === 0) throw notATokenizer(path, "its vocabulary is empty");
  let vocabSize = 0;
  for (const id of vocabulary.values()) vocabSize = Math.max(vocabSize, id + 1);
  const special = findSpecialTokens(json, (token) => tokenizer.token_to_id(token), {
    tokenizerConfig,
    modelConfig,
  });
  const alphabet = alphabetOf(json);
  const added = tokenizer.get_added_tokens_decoder();
  return Object.freeze({
    path,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    vocabSize,
    specialIds: Object.freeze(special.ids),
    bosId: special.bosId,
    eosId: special.eosId,
    encode: cachedEncoder(tokenizer),
    tokenText: (id: number) => {
      const token = tokenizer.id_to_token(id);
      if (token === undefined) return `[${id}]`;
      return added.has(id) ? token : tokenText(token, alphabet);
    },
    decode: (ids: ArrayLike<number>) =>
      ids.length === 0
        ? ""
        : tokenizer.decode(Array.from(ids), { clean_up_tokenization_spaces: false }),
  });
}

function notATokenizer(path: string, found: string, cause?: unknown): SdmError {
  return new SdmError(
    `Cannot read tokenizer "${path}": ${found}, a whole tokenizer.json as Hugging Face writes it is needed`,
    { cause },
  );
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new SdmError(
        `Cannot read tokenizer "${path}": the system says "${messageOf(error)}", ` +
          "a readable file is needed",
        { cause: error },
      );
    }
    const cut = path.lastIndexOf("/");
    let near = "";
    try {
      const names = [...Deno.readDirSync(cut < 0 ? "." : path.slice(0, cut) || "/")];
      near = didYouMean(path.slice(cut + 1), names.map((entry) => entry.name).sort());
    } catch { /* the folder is missing too */ }
    throw new SdmError(
      `Cannot read tokenizer "${path}": it does not exist, an existing tokenizer.json is needed`,
      { cause: error, hint: near || undefined },
    );
  }
}

function parse(bytes: Uint8Array, path: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw notATokenizer(path, "it is cut short or not JSON", error);
  }
  const model = (json as { model?: unknown } | null)?.model;
  if (typeof model !== "object" || model === null || !("vocab" in model)) {
    throw notATokenizer(path, "it has no vocabulary");
  }
  // Old files leave these out; the library wants them named.
  return {
    added_tokens: [],
    decoder: null,
    post_processor: null,
    pre_tokenizer: null,
    normalizer: null,
    ...(json as object),
  };
}

/** A JSON object beside the tokenizer, or undefined when there is none. */
async function readSibling(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch { /* said below */ }
  throw new SdmError(
    `Cannot read "${path}" beside the tokenizer: it is not a JSON object, a whole one is needed`,
  );
}
