/**
 * What a comparison of families found.
 * @module
 */

/** One family, or a baseline. */
export interface CompareRow {
  /** Family, see `entrantName`. */
  name: string;
  /** Folder of its run; a baseline has none. */
  path?: string;
  /** Active latents a token that were asked for, of all layers together. */
  l0: number;
  /** Values by metric. */
  figures: Record<string, number | null>;
  /** Training rows a second, waiting for data apart. */
  tokens_per_second?: number;
  /** Highest sum of all buffers on the device, in bytes. */
  peak_gpu_bytes?: number;
  /** Seconds in the training loop, and how many of them it waited for data. */
  seconds?: { training: number; waiting: number };
}

/** Families that reconstruct the same rows from the same rows. */
export interface CompareGroup {
  /** Hookpoints that are read. */
  inputs: string[];
  /** Hookpoints that are reconstructed, where they are others. */
  outputs: string[];
  /** Held-out tokens that count. */
  eval_tokens: number;
  /** The families in the order that they were named in, then baselines. */
  rows: CompareRow[];
}

/** What was found; goes into `compare.json`. */
export interface CompareOutcome {
  /** Active latents a token (and layer) that were asked for. */
  l0: number;
  /** Rows that each was trained on. */
  training_tokens: number;
  /** Latents (of a layer). */
  d_sae?: number;
  /** The adapter. */
  adapter: string;
  /** The tables. */
  groups: CompareGroup[];
  /** Keys that were written down and that a family does not read, by family. */
  dropped: Record<string, string[]>;
  /** False when it was stopped; the same request goes on. */
  finished: boolean;
}

/** Share by which L0 may differ from what was asked for. */
export const TOLERANCE = 0.05;

/** How far a row's L0 is from what was asked for, as a share. */
export function l0Error({ figures, l0 }: CompareRow): number {
  return (figures["sparsity/l0"] ?? NaN) / l0 - 1;
}
