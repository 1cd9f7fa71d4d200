/**
 * Batches without the rows that are there only for others of their context: what is measured on rows looks at the rest.
 * @module
 */
import type { Batch, PointFacts } from "./types.ts";

/** The rows of a batch that count; the batch itself where all do. */
export function countedOnly(batch: Batch, points: readonly Pick<PointFacts, "d">[]): Batch {
  const { step, mask } = batch;
  if (!mask || mask.every((count) => count !== 0)) return batch;
  const counted: number[] = [];
  mask.forEach((count, row) => {
    if (count !== 0) counted.push(row);
  });
  return {
    step,
    rows: counted.length,
    points: batch.points.map((values, p) => {
      const { d } = points[p];
      const out = new Float32Array(counted.length * d);
      counted.forEach((row, i) => out.set(values.subarray(row * d, (row + 1) * d), i * d));
      return out;
    }),
  };
}
