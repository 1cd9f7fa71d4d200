/**
 * Blocks straight from a model: contexts in an order of their own in every epoch, nothing stored.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { dropFacts } from "../text/masks.ts";
import { contextRows, type RowMaker } from "./context_rows.ts";
import { epochOrders, slicesOf } from "./epoch_order.ts";
import { checkUnits } from "./rows.ts";
import { DeviceRows } from "./device_rows.ts";
import type { BlockSource, HostSource } from "./types.ts";

/** Options of {@link modelSource}. */
export interface ModelSourceOptions extends RowMaker {
  /** Seed of the run. */
  seed: number;
  /** Rows of a block. */
  blockRows: number;
  /** Rows of a training batch; an epoch is a whole number of batches. */
  batchRows: number;
  /** Hears how many rows of a block are made, of how many. */
  onRows?: (done: number, rows: number) => void;
  /** The device where the runner leaves its activations: blocks stay there too. */
  gpu?: Gpu;
  /** Whether contexts stay whole and in order; every position must then be kept. */
  sequences?: boolean;
  /** More facts for the manifest. */
  facts?: Record<string, unknown>;
}

/**
 * Rows of an epoch, floored to whole batches.
 * @throws {SdmError} when the rows do not fill one batch.
 */
export function wholeBatches(rows: number, batchRows: number, what: string): number {
  const whole = Math.floor(rows / batchRows) * batchRows;
  if (whole > 0) return whole;
  throw new SdmError(
    `Cannot fill a batch: ${what} has ${rows} rows, one batch needs ${batchRows}`,
    { hint: "give more text, or make the batch smaller" },
  );
}

function wholeContexts({ tokens, kept, blockRows, batchRows }: ModelSourceOptions): number {
  const { contextSize, contexts } = tokens;
  if (kept.rows !== contexts * contextSize) {
    throw new RangeError(
      `Cannot keep contexts whole: ${kept.rows} of ${contexts * contextSize} rows are kept`,
    );
  }
  checkUnits(batchRows, blockRows, contextSize);
  return contextSize;
}

/**
 * A source that runs the model. Block m of an epoch holds rows [m·blockRows, (m+1)·blockRows) of the kept positions in
 * the epoch's order of contexts; a context on the border of two blocks is run for both. Closing it frees text and model.
 */
export function modelSource(options: ModelSourceOptions & { gpu?: undefined }): HostSource;
export function modelSource(options: ModelSourceOptions): BlockSource;
export function modelSource(options: ModelSourceOptions): BlockSource {
  const { tokens, kept, runner, points, seed, blockRows, batchRows } = options;
  const epochRows = wholeBatches(kept.rows, batchRows, "the text");
  const unitRows = options.sequences ? wholeContexts(options) : 1;
  const orderOf = epochOrders(kept.rowStart, seed, "contexts");
  const { gpu } = options;
  const onDevice = gpu && runner.runOnDevice ? new DeviceRows(gpu, options, blockRows) : undefined;
  return {
    points,
    ...onDevice && { onDevice: true, read: (block, list) => onDevice.read(block, list) },
    blockRows,
    epochRows,
    unitRows,
    describe: () => ({
      source: "model",
      provider: runner.provider,
      points: points.map((point) => ({ ...point })),
      contexts: tokens.contexts,
      context_size: tokens.contextSize,
      documents: tokens.documents,
      prepend_bos: tokens.prependBos,
      tail_tokens: tokens.tailTokens,
      rows: kept.rows,
      epoch_rows: epochRows,
      whole_contexts: options.sequences,
      rows_that_count: options.counted?.rows,
      dropped: {
        positions: kept.droppedPositions,
        tokens: kept.droppedTokens,
        ...dropFacts(kept.counts),
      },
      ...options.facts,
    }),
    load: async (epoch, index, pace) => {
      const first = index * blockRows;
      const rows = Math.min(blockRows, epochRows - first);
      if (!(index >= 0 && rows > 0)) {
        throw new RangeError(`Cannot load block ${index}: an epoch has ${epochRows} rows`);
      }
      const slices = slicesOf(orderOf(epoch), first, rows);
      const tell = (done: number) => options.onRows?.(done, rows);
      if (onDevice) return await onDevice.make(slices, pace, tell);
      const { points, mask } = await contextRows(options, slices, { onRows: tell });
      return mask ? { rows, points, mask } : { rows, points };
    },
    close: async () => {
      onDevice?.close();
      tokens.close();
      await runner.close();
    },
  };
}
