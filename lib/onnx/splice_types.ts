/**
 * What a language model with replaced tensors gives.
 * @module
 */
import type { ConcreteProvider } from "./providers.ts";

/** Losses of a run, one number a position, row-major [batch, length]. */
export interface SplicedRun {
  /** Cross-entropy of the next token in nats; of the last position of a context it means nothing. */
  ce: Float32Array;
  /** KL divergence from the clean run of the same contexts, in nats. */
  kl: Float32Array;
}

/** A run with nothing replaced. */
export interface CleanRun {
  /** What a dictionary reads, row-major [batch · length, d] each. */
  inputs: Float32Array[];
  /** What it replaces, likewise. */
  targets: Float32Array[];
  /** Cross-entropy as in {@link SplicedRun}. */
  ce: Float32Array;
}

/** What comes behind one target of several. */
export interface SplicedStep {
  /** The inputs that are computed behind it, at their places. */
  inputs: (Float32Array | undefined)[];
  /** The losses, behind the last target. */
  losses?: SplicedRun;
}

/** What is known of a splicer. */
export interface SplicerFacts {
  /** The provider in use. */
  readonly provider: ConcreteProvider;
  /** Number of targets. */
  readonly targets: number;
  /** Number of tokens of the vocabulary, when the graph tells. */
  readonly vocab?: number;
  /** Of every input, whether the target of its number comes behind it, and behind the targets of lower numbers. */
  readonly inputsInOrder: readonly boolean[];
}

/** A model that can be run with some of its tensors replaced. One call at a time. */
export interface Splicer extends SplicerFacts {
  /** Runs contexts as they are; all other calls are about the contexts of the last clean run. */
  clean(ids: Int32Array, batch: number, length: number): Promise<CleanRun>;
  /**
   * Runs them with all given targets replaced at once; a target without a value is computed by the model from what it then
   * reads.
   * @param values row-major [batch · length, d] each
   * @param mask of each position 1 where it is replaced, 0 where it keeps what the model computes there; default all 1
   */
  replace(
    values: readonly (Float32Array | undefined)[],
    mask?: Float32Array,
  ): Promise<SplicedRun>;
  /**
   * Replaces one target after another, to be called for all of them in order: what is behind a target is computed with all
   * earlier ones replaced.
   */
  replaceNext(target: number, value: Float32Array, mask?: Float32Array): Promise<SplicedStep>;
  /** Frees the model. */
  close(): Promise<void>;
}
