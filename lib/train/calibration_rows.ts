/**
 * Rows on which thresholds are measured after training.
 * @module
 */
import type { ShuffledBatches } from "../data/shuffled_batches.ts";
import type { TrainedRecord } from "../models/record.ts";

/** Rows on which they are measured, unless an epoch has fewer. */
const CALIBRATION_ROWS = 16384;

/** Whether a trained dictionary selects over the whole batch, so that thresholds have to be measured for it. */
export function needsThresholds({ activation }: TrainedRecord): boolean {
  return activation.name === "batchtopk";
}

/** How many batches these rows are. */
export function calibrationBatches(batchRows: number, batchesPerEpoch: number): number {
  return Math.min(batchesPerEpoch, Math.max(1, Math.ceil(CALIBRATION_ROWS / batchRows)));
}

/** Rows of every point that come after those of step `step`, scaled as in training, and which of them count. */
export async function calibrationRows(
  batches: ShuffledBatches,
  scales: readonly number[],
  step: number,
): Promise<{ points: Float32Array[]; mask: Float32Array }> {
  const { batchRows } = batches;
  const count = calibrationBatches(batchRows, batches.batchesPerEpoch);
  const points = batches.points.map(({ d }) => new Float32Array(count * batchRows * d));
  const mask = new Float32Array(count * batchRows).fill(1);
  for (let i = 0; i < count; i++) {
    const batch = await batches.batch(step + i);
    batch.points.forEach((x, p) => points[p].set(x.map((v) => v * scales[p]), i * x.length));
    if (batch.mask) mask.set(batch.mask, i * batchRows);
  }
  return { points, mask };
}
