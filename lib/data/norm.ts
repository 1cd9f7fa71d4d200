/**
 * Scaling of activations: by one number a point that brings the mean L2 norm of a row to √d, or row by row.
 *
 * The number is folded into the weights on export, so that a trained dictionary takes activations as the model gives them;
 * what is done to each row has to be done to every row afterwards too, and undone in the output.
 * @module
 */
import { SdmError } from "../base/errors.ts";
import { normaliseRows, type RowNorm } from "../tensor/row_norm.ts";
import { countedOnly } from "./counted.ts";
import type { ShuffledBatches } from "./shuffled_batches.ts";
import { type Batch, type BatchSource, isOnDevice, nextBatch } from "./types.ts";

/** The scale of one point and what it rests on. */
export interface ScaleEstimate {
  /** Canonical hookpoint name. */
  name: string;
  /** √d over the mean norm; rows are multiplied by it. */
  scale: number;
  /** Mean L2 norm of a row. */
  meanNorm: number;
  /** Rows measured. */
  rows: number;
}

/** Options of {@link estimateScale}. */
export interface ScaleOptions {
  /** Batches to measure at most; default 64. */
  maxBatches?: number;
  /** Rows to measure at most, rounded up to whole batches; default 65536. */
  maxRows?: number;
  /** Batches of an epoch; no row is measured twice. */
  batchesPerEpoch?: number;
}

/**
 * Measures the scale of every point on the rows that count of the first batches. Sums are in float64 and in the order of
 * the rows, so the result is the same in every run.
 * @throws {SdmError} when all rows are zero.
 */
export async function estimateScale(
  source: BatchSource,
  options: ScaleOptions = {},
): Promise<ScaleEstimate[]> {
  const { maxBatches = 64, maxRows = 65536, batchesPerEpoch = Infinity } = options;
  const wanted = Math.max(1, Math.ceil(maxRows / source.batchRows));
  const batches = Math.min(maxBatches, wanted, batchesPerEpoch);
  const sums = source.points.map(() => 0);
  let rows = 0;
  for (let step = 0; step < batches; step++) {
    const batch = countedOnly(await source.batch(step), source.points);
    batch.points.forEach((values, p) => sums[p] += sumOfNorms(values, source.points[p].d));
    rows += batch.rows;
  }
  return source.points.map(({ name, d }, p) => scaleFromNorm(name, d, sums[p] / rows, rows));
}

/**
 * The scale of a mean norm that is known, as a store's manifest knows it.
 * @throws {SdmError} when the norm is zero.
 */
export function scaleFromNorm(
  name: string,
  d: number,
  meanNorm: number,
  rows: number,
): ScaleEstimate {
  if (!(meanNorm > 0)) {
    throw new SdmError(
      `Cannot scale activations of "${name}": their mean norm is ${meanNorm} over ${rows} rows, ` +
        "a norm above 0 is needed",
    );
  }
  return { name, scale: Math.sqrt(d) / meanNorm, meanNorm, rows };
}

/** Sum of the L2 norms of the rows of a matrix [rows, d]. */
export function sumOfNorms(values: Float32Array, d: number): number {
  let sum = 0;
  for (let start = 0; start < values.length; start += d) {
    let square = 0;
    for (let i = start; i < start + d; i++) square += values[i] * values[i];
    sum += Math.sqrt(square);
  }
  return sum;
}

/** Batches whose rows are normalised, each by itself. */
export function rowNormalised(batches: ShuffledBatches, how: RowNorm): ShuffledBatches {
  const normalised = (batch: Batch): Batch => ({
    ...batch,
    points: batch.points.map((values, p) => normaliseRows(values, batches.points[p].d, how).values),
  });
  return {
    points: batches.points,
    batchRows: batches.batchRows,
    batchesPerEpoch: batches.batchesPerEpoch,
    get waitedSeconds() {
      return batches.waitedSeconds;
    },
    get idleSeconds() {
      return batches.idleSeconds;
    },
    describe: () => ({ ...batches.describe(), row_norm: how }),
    close: () => batches.close(),
    batch: async (step) => normalised(await batches.batch(step)),
    async next(step) {
      const batch = await nextBatch(batches, step);
      return isOnDevice(batch) ? { ...batch, norm: how } : normalised(batch);
    },
  };
}
