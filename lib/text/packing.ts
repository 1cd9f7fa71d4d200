/**
 * Documents to contexts: token ids of equal length, ready for a language model.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { type OnProgress, silent } from "../base/progress.ts";
import type { Document } from "./corpora.ts";
import { type SpillOptions, TokenLog } from "./token_log.ts";
import type { TokenizerHandle } from "./tokenizer.ts";

/** What packing needs to know of a tokenizer. */
export type PackingTokenizer = Pick<TokenizerHandle, "encode" | "bosId" | "eosId" | "path">;

/** Options of {@link packContexts}. */
export interface PackOptions extends SpillOptions {
  /** Tokens of a context, with the BOS in front where there is one. */
  contextSize: number;
  /** Put BOS in front of every context. */
  prependBos: boolean;
  /** Stop before this many tokens are exceeded; default all of the text. */
  maxTokens?: number;
  /** Hears about every document. */
  onProgress?: OnProgress;
  /** Asks for a stop. */
  signal?: AbortSignal;
}

/** Contexts of a text, in memory or, where they are many, in a temporary file. */
export interface TokenSet {
  /** Token ids of contexts [first, first + count), row-major [count, contextSize]; `count` is 1 by default. */
  idsOf(first: number, count?: number): Int32Array;
  /** Which document each of those belongs to, from 0; a separator belongs to the document that it ends. */
  docsOf(first: number, count?: number): Uint32Array;
  /** Contexts [first, end) as a set of its own, over the same ids. */
  slice(first: number, end: number): TokenSet;
  /** Frees the temporary file of this set and of all slices, if there is one. */
  close(): void;
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
 * @throws {SdmError} when BOS is wanted and there is none, when the text does not fill one context, and when it is stopped.
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
  const packer = new Packer(contextSize, limit, prependBos ? bosId : undefined, options);
  const total = Number.isFinite(limit) ? limit : undefined;
  let count = 0;
  try {
    for await (const document of documents) {
      if (packer.full) break;
      if (options.signal?.aborted) {
        throw new SdmError("Stopped while text was read: nothing was written", { exitCode: 130 });
      }
      if (count > 0 && eosId !== undefined) packer.add(eosId, count - 1);
      for (const id of tokenizer.encode(document.text)) {
        if (packer.full) break;
        packer.add(id, count);
      }
      count++;
      onProgress({ stage: "tokenise", done: packer.length, total, unit: "tokens" });
    }
  } catch (error) {
    packer.log.close();
    throw error;
  }
  const contexts = Math.floor(packer.length / contextSize);
  if (contexts === 0) {
    packer.log.close();
    throw new SdmError(
      `Cannot pack text: it has ${packer.length} tokens` +
        (limit < contextSize ? ` of at most ${maxTokens} allowed` : "") +
        `, one context needs ${contextSize}`,
    );
  }
  return tokenSet(packer.log, 0, {
    contexts,
    contextSize,
    documents: count,
    prependBos,
    bosId: prependBos ? bosId : undefined,
    eosId,
    tailTokens: packer.length - contexts * contextSize,
  });
}

type SetFacts = Omit<TokenSet, "idsOf" | "docsOf" | "slice" | "close">;

/** The contexts of a log from context `start` on. */
function tokenSet(log: TokenLog, start: number, facts: SetFacts): TokenSet {
  const { contexts, contextSize } = facts;
  const place = (first: number, count: number) => {
    if (first >= 0 && count >= 0 && first + count <= contexts) return (start + first) * contextSize;
    throw new RangeError(`Cannot read contexts ${first} to ${first + count} of ${contexts}`);
  };
  return Object.freeze({
    ...facts,
    idsOf: (first: number, count = 1) => log.ids(place(first, count), count * contextSize),
    docsOf: (first: number, count = 1) => log.documents(place(first, count), count * contextSize),
    slice(first: number, end: number) {
      place(first, end - first);
      return tokenSet(log, start + first, { ...facts, contexts: end - first });
    },
    close: () => log.close(),
  });
}

/** Cuts what is added into contexts. */
class Packer {
  readonly log: TokenLog;

  constructor(
    readonly contextSize: number,
    readonly limit: number,
    readonly bosId: number | undefined,
    spill: SpillOptions,
  ) {
    this.log = new TokenLog(spill);
  }

  get length(): number {
    return this.log.length;
  }

  get full(): boolean {
    return this.length >= this.limit;
  }

  /** Adds a token, and BOS before it where a context begins. */
  add(id: number, document: number): void {
    if (this.full) return;
    if (this.bosId !== undefined && this.length % this.contextSize === 0) {
      this.log.add(this.bosId, document);
    }
    this.log.add(id, document);
  }
}
