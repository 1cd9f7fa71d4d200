/**
 * Reading from the device. Every wait costs about 10 ms in Deno, however little is read, so that reads are gathered:
 * many buffers in one wait, and rings whose reads overlap with later steps.
 * @module
 */
import { createBuffer, destroyBuffer, type Gpu } from "./device.ts";
import type { Slice } from "./kernel.ts";

const READ_USAGE = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;

/**
 * Reads several ranges with one wait.
 * @returns the bytes of each range
 */
export async function readSlices(gpu: Gpu, slices: readonly Slice[]): Promise<ArrayBuffer[]> {
  const sizes = slices.map((s) => s.size ?? s.buffer.size - (s.offset ?? 0));
  const total = sizes.reduce((sum, size) => sum + Math.ceil(size / 8) * 8, 0);
  const host = createBuffer(gpu, total, "read", READ_USAGE);
  const encoder = gpu.device.createCommandEncoder();
  const starts: number[] = [];
  let at = 0;
  slices.forEach((slice, i) => {
    starts.push(at);
    const bytes = Math.ceil(sizes[i] / 4) * 4;
    encoder.copyBufferToBuffer(slice.buffer, slice.offset ?? 0, host, at, bytes);
    at += Math.ceil(sizes[i] / 8) * 8;
  });
  gpu.device.queue.submit([encoder.finish()]);
  await host.mapAsync(GPUMapMode.READ);
  const mapped = host.getMappedRange();
  const out = starts.map((start, i) => mapped.slice(start, start + sizes[i]));
  host.unmap();
  destroyBuffer(gpu, host);
  gpu.check();
  return out;
}

/** Reads a whole buffer as float32. */
export async function readFloats(
  gpu: Gpu,
  buffer: GPUBuffer,
  count?: number,
): Promise<Float32Array> {
  const size = count === undefined ? undefined : count * 4;
  const [bytes] = await readSlices(gpu, [{ buffer, size }]);
  return new Float32Array(bytes);
}

/** Reads a whole buffer as u32. */
export async function readWords(gpu: Gpu, buffer: GPUBuffer, count?: number): Promise<Uint32Array> {
  const size = count === undefined ? undefined : count * 4;
  const [bytes] = await readSlices(gpu, [{ buffer, size }]);
  return new Uint32Array(bytes);
}

/** A few host buffers that take turns, so that a read never holds up the next step. */
export class ReadbackRing {
  readonly #gpu: Gpu;
  readonly #free: GPUBuffer[] = [];
  readonly #bytes: number;

  /** A ring of `depth` host buffers of `bytes` bytes. */
  constructor(gpu: Gpu, bytes: number, depth = 3) {
    this.#gpu = gpu;
    this.#bytes = bytes;
    for (let i = 0; i < depth; i++) {
      this.#free.push(createBuffer(gpu, bytes, "readback ring", READ_USAGE));
    }
  }

  /** Whether a host buffer is free: {@link start} throws otherwise. */
  get ready(): boolean {
    return this.#free.length > 0;
  }

  /**
   * Encodes the copy now; the answer comes when the work submitted with it has ended.
   * Call `finish` after the encoder was submitted.
   */
  start(encoder: GPUCommandEncoder, source: GPUBuffer): { finish(): Promise<ArrayBuffer> } {
    const host = this.#free.pop();
    if (!host) throw new Error("Cannot read back: every buffer of the ring is in flight");
    encoder.copyBufferToBuffer(source, 0, host, 0, this.#bytes);
    return {
      finish: async () => {
        await host.mapAsync(GPUMapMode.READ);
        const bytes = host.getMappedRange().slice(0);
        host.unmap();
        this.#free.push(host);
        this.#gpu.check();
        return bytes;
      },
    };
  }
}
