/**
 * Arithmetic of matrices that are split by rows over several buffers.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";

/** Rows [firstRow, firstRow + rows) of a matrix, held in one buffer. */
export interface RowRange {
  /** First row. */
  firstRow: number;
  /** Number of rows. */
  rows: number;
}

/** Smallest multiple of `unit` that is at least `value`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/**
 * Splits `rows` rows of `rowBytes` bytes into as few equal ranges as fit `maxBytes` each.
 * Every range but the last holds a multiple of `unit` rows.
 * @throws SdmError when not even `unit` rows fit
 */
export function planShards(
  rows: number,
  rowBytes: number,
  maxBytes: number,
  unit: number,
): RowRange[] {
  const most = Math.floor(maxBytes / rowBytes / unit) * unit;
  if (most < unit) {
    throw new SdmError(
      `Cannot split a matrix over buffers: ${unit} rows need ${formatBytes(unit * rowBytes)}, ` +
        `one binding holds ${formatBytes(maxBytes)}`,
    );
  }
  const count = Math.max(1, Math.ceil(rows / most));
  const each = roundUp(Math.ceil(rows / count), unit);
  const ranges: RowRange[] = [];
  for (let first = 0; first < rows; first += each) {
    ranges.push({ firstRow: first, rows: Math.min(each, rows - first) });
  }
  return ranges;
}
