/**
 * The geometric median of rows by Weiszfeld's iteration on the GPU: the usual start of the decoder bias.
 * Source: architectures spec, section 2, "Init".
 * @module
 */
import { createBuffer, destroyBuffer, type Gpu } from "../../gpu/device.ts";
import { submit } from "../../gpu/program.ts";
import { readFloats } from "../../gpu/readback.ts";
import { createRows, destroyRows, onlyShard, writeRows } from "../../gpu/rows.ts";
import { columnSums } from "../../kernels/column_sums.ts";
import { medianUpdate } from "../../kernels/median_update.ts";
import { medianWeights } from "../../kernels/median_weights.ts";

/** Iterations at most, and between two looks at how far the median still moves. */
const MOST = 100;
const BETWEEN_READS = 20;
/** Stops when the median moves by less than this. */
const STILL = 1e-5;

/** Mean of rows [rows, d], summed in float64 in the order of rows. */
export function meanRow(data: Float32Array, d: number): Float32Array {
  const sum = new Float64Array(d);
  const rows = data.length / d;
  for (let r = 0; r < rows; r++) for (let j = 0; j < d; j++) sum[j] += data[r * d + j];
  return Float32Array.from(sum, (v) => v / rows);
}

/**
 * Geometric median of `data`, row-major [rows, d], starting from the mean.
 * @returns a vector [d]
 */
export async function geometricMedian(
  gpu: Gpu,
  data: Float32Array,
  d: number,
): Promise<Float32Array> {
  const rows = data.length / d;
  const x = createRows(gpu, "median rows", rows, d);
  writeRows(gpu, x, data);
  const vector = (label: string) => createBuffer(gpu, x.stride * 4, label);
  const median = vector("median");
  const weightedSum = vector("weighted sum");
  const weights = createBuffer(gpu, Math.ceil(rows / 4) * 16, "weights");
  const weightSum = createBuffer(gpu, 16, "weight sum");
  const moved = createBuffer(gpu, 16, "moved");
  gpu.device.queue.writeBuffer(median, 0, meanRow(data, d) as Float32Array<ArrayBuffer>);
  const iteration = [
    medianWeights.record(gpu, { rows, d, x: onlyShard(x), median, weights }),
    ...columnSums.record(gpu, { shards: x.shards, stride: x.stride, weights, sums: weightedSum }),
    ...columnSums.record(gpu, {
      shards: [{ buffer: weights, rows: Math.ceil(rows / 4), firstRow: 0 }],
      stride: 4,
      sums: weightSum,
    }),
    medianUpdate.record(gpu, { d, weightedSum, weightSum, median, moved }),
  ];
  for (let done = 0; done < MOST; done += BETWEEN_READS) {
    for (let i = 0; i < BETWEEN_READS; i++) submit(gpu, iteration);
    if ((await readFloats(gpu, moved, 1))[0] < STILL) break;
  }
  const out = await readFloats(gpu, median, d);
  destroyRows(gpu, x);
  for (const buffer of [median, weightedSum, weights, weightSum, moved]) {
    destroyBuffer(gpu, buffer);
  }
  return out;
}
