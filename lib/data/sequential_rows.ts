/**
 * Rows in text order, with their places: what evaluation and dashboards read.
 * @module
 */
import { contextRows, CONTEXTS_PER_RUN, type PlacedBlock, type RowMaker } from "./context_rows.ts";

/** Options of {@link sequentialRows}. */
export interface SequentialOptions extends RowMaker {
  /** Stop after this many rows; default all. */
  maxRows?: number;
}

/** Rows of some contexts, in text order. */
export type SequentialRows = PlacedBlock;

/**
 * All rows of a token set in text order, a few contexts at a time; the last piece is cut at `maxRows`.
 * @throws {SdmError} as the model does, and when a value is not finite.
 */
export async function* sequentialRows(options: SequentialOptions): AsyncGenerator<SequentialRows> {
  const { tokens, kept, maxRows = Infinity, contextsPerRun = CONTEXTS_PER_RUN } = options;
  const end = Math.min(kept.rows, maxRows);
  for (let first = 0; first < tokens.contexts; first += contextsPerRun) {
    const slices = [];
    for (let c = first; c < Math.min(first + contextsPerRun, tokens.contexts); c++) {
      const to = Math.min(kept.rowStart[c + 1], end) - kept.rowStart[c];
      if (to > 0) slices.push({ unit: c, from: 0, to });
    }
    if (slices.length > 0) yield await contextRows(options, slices);
    if (kept.rowStart[Math.min(first + contextsPerRun, tokens.contexts)] >= end) return;
  }
}
