/**
 * Documents to contexts: token ids of equal length, ready for a language model.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { type OnProgress, silent } from "../base/progress.ts";
import type { Document } from "./corpora.ts";
import type { TokenizerHandle } from "./tokenizer.ts";

/** What packing needs to know of a tokenizer. */
export type PackingTokenizer = Pick<TokenizerHandle, "encode" | "bosId" | "eosId" | "path">;

/** Options of {@link packContexts}. */
export interface PackOptions {
  /** Tokens of a context, with the BOS in front where there is one. */
  contextSize: number;
  /** Put BOS in front of every context. */
  prependBos: boolean;
  /** Stop before this many tokens are exceeded; default all of the text. */
  maxTokens?: number;
  /** Hears about every document. */
  onProgress?: OnProgress;
}

/** Contexts of a text; matrices are row-major [contexts, contextSize]. */
export interface TokenSet {
  /** Token ids. */
  readonly ids: Int32Array;
  /** Which document a token belongs to, from 0; a separator belongs to the document that it ends. */
  readonly docOf: Uint32Array;
  /** Number of contexts. */
  readonly contexts: number;
  /** Tokens of a context. */
  readonly contextSize: number;
  /** Documents read, the last one maybe in part. */
  readonly documents: number;
  /** Whether every context starts with BOS. */
  readonly prependBos: boolean;
  /** BOS in front of contexts, if there is one. */
  readonly bosId?: number;
  /** EOS between documents, if the tokenizer has one. */
  readonly eosId?: number;
  /** Tokens at the end that did not fill a context and were left out. */
  readonly tailTokens: number;
}

/**
 * Joins documents with EOS between them and cuts the result into whole contexts; the rest is left out and counted.
 * @throws {SdmError} when BOS is wanted and there is none, or when the text does not fill one context.
 */
export async function packContexts(
  documents: AsyncIterable<Document> | Iterable<Document>,
  tokenizer: PackingTokenizer,
  options: PackOptions,
): Promise<TokenSet> {
  const { contextSize, prependBos, maxTokens = Infinity, onProgress = silent } = options;
  const { bosId, eosId } = tokenizer;
  if (!(Number.isInteger(contextSize) && contextSize >= 2)) {
    throw new SdmError(
      `Cannot pack text: the context size is ${contextSize}, at least 2 is needed`,
    );
  }
  if (prependBos && bosId === undefined) {
    throw new SdmError(
      `Cannot pack text: the tokenizer "${tokenizer.path}" has no BOS token, one is needed in front of ` +
        "every context",
      { hint: "--prepend-bos false" },
    );
  }
  const limit = Math.floor(maxTokens / contextSize) * contextSize;
  const packer = new Packer(contextSize, limit, prependBos ? bosId : undefined);
  const total = Number.isFinite(limit) ? limit : undefined;
  let count = 0;
  for await (const document of documents) {
    if (packer.full) break;
    if (count > 0 && eosId !== undefined) packer.add(eosId, count - 1);
    for (const id of tokenizer.encode(document.text)) {
      if (packer.full) break;
      packer.add(id, count);
    }
    count++;
    onProgress({ stage: "tokenise", done: packer.length, total, unit: "tokens" });
  }
  const contexts = Math.floor(packer.length / contextSize);
  if (contexts === 0) {
    throw new SdmError(
      `Cannot pack text: it has ${packer.length} tokens` +
        (limit < contextSize ? ` of at most ${maxTokens} allowed` : "") +
        `, one context needs ${contextSize}`,
    );
  }
  return Object.freeze({
    ids: packer.ids.slice(0, contexts * contextSize),
    docOf: packer.docOf.slice(0, contexts * contextSize),
    contexts,
    contextSize,
    documents: count,
    prependBos,
    bosId: prependBos ? bosId : undefined,
    eosId,
    tailTokens: packer.length - contexts * contextSize,
  });
}

/** Two arrays that grow together. */
class Packer {
  length = 0;
  ids: Int32Array;
  docOf: Uint32Array;

  constructor(readonly contextSize: number, readonly limit: number, readonly bosId?: number) {
    const room = Math.min(limit, 1 << 16);
    this.ids = new Int32Array(room);
    this.docOf = new Uint32Array(room);
  }

  get full(): boolean {
    return this.length >= this.limit;
  }

  /** Adds a token, and BOS before it where a context begins. */
  add(id: number, document: number): void {
    if (this.full) return;
    if (this.bosId !== undefined && this.length % this.contextSize === 0) {
      this.#put(this.bosId, document);
    }
    this.#put(id, document);
  }

  #put(id: number, document: number): void {
    if (this.length === this.ids.length) this.#grow();
    this.ids[this.length] = id;
    this.docOf[this.length++] = document;
  }

  #grow(): void {
    const room = Math.min(this.limit, 2 * this.ids.length);
    const ids = new Int32Array(room), docOf = new Uint32Array(room);
    ids.set(this.ids);
    docOf.set(this.docOf);
    this.ids = ids;
    this.docOf = docOf;
  }
}
