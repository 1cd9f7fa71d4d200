/**
 * Matrices on the device: rows of float32, padded for vec4 loads and for tiles, split over buffers by rows.
 * @module
 */
import { OutOfMemoryError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { planShards, roundUp, type RowRange } from "../tensor/shards.ts";
import { createBuffer, destroyBuffer, type Gpu } from "./device.ts";
import { readSlices } from "./readback.ts";

/** Rows of a tile: matrices have a whole number of them, the surplus rows are zero. */
export const ROW_UNIT = 64;

/** One buffer of a matrix. */
export interface Shard extends RowRange {
  /** Its buffer: `roundUp(rows, ROW_UNIT)` rows of `stride` floats. */
  buffer: GPUBuffer;
}

/** A matrix [rows, cols] on the device. */
export interface Rows {
  /** Name for messages. */
  readonly label: string;
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly cols: number;
  /** Floats from one row to the next: `cols` rounded up to 4, of a vector to ROW_UNIT; the surplus is zero. */
  readonly stride: number;
  /** The buffers in order of rows. */
  readonly shards: readonly Shard[];
}

/** Makes a zero matrix; a single row is a vector, padded to ROW_UNIT floats and not to as many rows. */
export function createRows(gpu: Gpu, label: string, rows: number, cols: number): Rows {
  const unit = rows === 1 ? 1 : ROW_UNIT;
  const stride = roundUp(cols, rows === 1 ? ROW_UNIT : 4);
  const ranges = planShards(rows, stride * 4, gpu.facts.maxBindingBytes, unit);
  const shards = ranges.map((range, i) => ({
    ...range,
    buffer: createBuffer(
      gpu,
      roundUp(range.rows, unit) * stride * 4,
      ranges.length > 1 ? `${label} ${i}` : label,
    ),
  }));
  return { label, rows, cols, stride, shards };
}

/**
 * The one buffer of a matrix that is not allowed to be split (rows of a batch).
 * @throws OutOfMemoryError when it is larger than a binding
 */
export function onlyShard(rows: Rows): GPUBuffer {
  if (rows.shards.length !== 1) {
    throw new OutOfMemoryError(
      `Cannot use "${rows.label}" as one buffer: its ${formatBytes(rows.rows * rows.stride * 4)} ` +
        `are cut over ${rows.shards.length}, one that a binding holds is needed`,
      { hint: "lower train.batch_tokens" },
    );
  }
  return rows.shards[0].buffer;
}

/** Writes `data`, row-major [n, cols], to rows [firstRow, firstRow + n). */
export function writeRows(gpu: Gpu, target: Rows, data: Float32Array, firstRow = 0): void {
  const count = data.length / target.cols;
  for (const shard of target.shards) {
    const from = Math.max(firstRow, shard.firstRow);
    const to = Math.min(firstRow + count, shard.firstRow + shard.rows);
    if (from >= to) continue;
    const part = data.subarray((from - firstRow) * target.cols, (to - firstRow) * target.cols);
    const padded = pad(part, target.cols, target.stride);
    const offset = (from - shard.firstRow) * target.stride * 4;
    gpu.device.queue.writeBuffer(shard.buffer, offset, padded as Float32Array<ArrayBuffer>);
  }
}

function pad(data: Float32Array, cols: number, stride: number): Float32Array {
  if (cols === stride) return data;
  const rows = data.length / cols;
  const out = new Float32Array(rows * stride);
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * cols, (r + 1) * cols), r * stride);
  return out;
}

/** Bytes that are on their way to the host at once. */
const READ_BYTES = 32 * 2 ** 20;

/** Rows of a matrix that are read at once. */
function rowsOfRead({ stride }: Rows): number {
  return Math.max(1, Math.floor(READ_BYTES / (stride * 4)));
}

/** Bytes of the largest buffer that {@link readRows} makes. */
export function readBytes(source: Rows): number {
  const rows = Math.max(...source.shards.map((shard) => shard.rows));
  return Math.min(rows, rowsOfRead(source)) * source.stride * 4;
}

/** Reads a matrix, row-major [rows, cols]; piece after piece, so that the copies stay small. */
export async function readRows(gpu: Gpu, source: Rows): Promise<Float32Array> {
  const out = new Float32Array(source.rows * source.cols);
  const most = rowsOfRead(source);
  for (const shard of source.shards) {
    for (let first = 0; first < shard.rows; first += most) {
      const rows = Math.min(most, shard.rows - first);
      const [bytes] = await readSlices(gpu, [{
        buffer: shard.buffer,
        offset: first * source.stride * 4,
        size: rows * source.stride * 4,
      }]);
      const floats = new Float32Array(bytes);
      for (let r = 0; r < rows; r++) {
        const row = floats.subarray(r * source.stride, r * source.stride + source.cols);
        out.set(row, (shard.firstRow + first + r) * source.cols);
      }
    }
  }
  return out;
}

/** Frees the buffers of a matrix. */
export function destroyRows(gpu: Gpu, rows: Rows): void {
  for (const shard of rows.shards) destroyBuffer(gpu, shard.buffer);
}
