/**
 * An iteration of matching pursuit on the residual of a row.
 * @module
 */
import { dot, type Entry, type Matrix } from "./types.ts";

/** When a pursuit stops and what it picks. */
export interface PursuitRules {
  /** Whether only positive scores are picked. */
  relu: boolean;
  /** A row stops when its residual is shorter, after the pick; 0 for never. */
  threshold: number;
  /** Whether a row stops when a pick leaves its set of latents as it was; the pick is kept. */
  stopOnDuplicates: boolean;
}

/** What an iteration made of a row. */
export interface UpdatedRow {
  /** [d]. */
  residual: Float64Array;
  /** What was picked, if anything. */
  pick?: Entry;
  /** Whether the row has stopped. */
  stops: boolean;
}

/** The latents with a value that is not zero, as a word that is equal for equal sets. */
function support(picks: readonly Entry[]): string {
  const sums = new Map<number, number>();
  for (const { latent, value } of picks) sums.set(latent, (sums.get(latent) ?? 0) + value);
  return [...sums].filter(([, v]) => v !== 0).map(([latent]) => latent).sort((a, b) => a - b)
    .join();
}

/**
 * Takes `best` from the residual and decides whether the row goes on.
 * @param earlier picks so far
 */
export function pursuitUpdate(
  residual: Float64Array,
  earlier: readonly Entry[],
  best: Entry | undefined,
  w: Matrix,
  { relu, threshold, stopOnDuplicates }: PursuitRules,
): UpdatedRow {
  if (!best || best.value === 0 || (relu && best.value < 0)) return { residual, stops: true };
  const left = residual.map((r, i) => r - best.value * w[best.latent][i]);
  const short = threshold > 0 && Math.sqrt(dot(left, left)) < threshold;
  const same = stopOnDuplicates && support([...earlier, best]) === support(earlier);
  return { residual: left, pick: best, stops: short || same };
}
