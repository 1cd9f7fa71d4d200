/**
 * Rows, the kept positions of a token set: from a row's number to its place in the text and back.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { KeptPositions } from "../text/masks.ts";
import type { TokenSet } from "../text/packing.ts";

/** Where a row comes from. */
export interface RowPlace {
  /** Index of the context. */
  context: number;
  /** Position in the context. */
  position: number;
}

/** The positions of a context that give rows, ascending, from the context's ids. */
export function keptIn(ids: Int32Array, kept: KeptPositions): number[] {
  const positions: number[] = [];
  ids.forEach((id, position) => {
    if (kept.keeps(position, id)) positions.push(position);
  });
  return positions;
}

/** The place of row `row` in text order. */
export function rowPlace(tokens: TokenSet, kept: KeptPositions, row: number): RowPlace {
  if (!(row >= 0 && row < kept.rows)) {
    throw new RangeError(`Cannot find row ${row}: there are ${kept.rows} rows`);
  }
  const context = unitOf(kept.rowStart, row);
  return { context, position: keptIn(tokens.idsOf(context), kept)[row - kept.rowStart[context]] };
}

/** The last index whose prefix sum is at most `row`, and which is not empty: where the row lies. */
export function unitOf(rowStart: ArrayLike<number>, row: number): number {
  let low = 0, high = rowStart.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (rowStart[middle] <= row) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Refuses batches and blocks that are not made of whole contexts.
 * @throws {SdmError} when they are not
 */
export function checkUnits(batchRows: number, blockRows: number, contextSize: number): void {
  if (batchRows % contextSize === 0 && blockRows % contextSize === 0) return;
  throw new SdmError(
    `Cannot make batches of ${batchRows} rows from contexts of ${contextSize} tokens: whole ` +
      "contexts are needed",
    { hint: `--batch-tokens ${Math.max(1, Math.round(batchRows / contextSize)) * contextSize}` },
  );
}
