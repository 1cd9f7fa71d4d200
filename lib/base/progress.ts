/**
 * What long work says while it runs. The library reports; only `lib/commands` draws.
 * @module
 */

/** One report of a long piece of work. */
export interface ProgressEvent {
  /** What is being done, a short noun phrase: "tokenise", "harvest", "train", "evaluate". */
  stage: string;
  /** Units done so far. */
  done: number;
  /** Units in all, or undefined when not known. */
  total?: number;
  /** Name of the unit: "tokens", "steps", "bytes". */
  unit: string;
  /** Figures worth showing beside the bar, in order: `{ fvu: 0.31, l0: 32 }`. */
  figures?: Record<string, number | string>;
}

/** Receives reports; must return at once. */
export type OnProgress = (event: ProgressEvent) => void;

/** Says nothing. */
export const silent: OnProgress = () => {};
