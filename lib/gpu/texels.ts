/**
 * Vec4s in a texture. A driver that computes on the CPU reads texels for all lanes of a subgroup at once, and buffers
 * lane by lane: several times slower. Kernels that live on loads therefore have variants that read copies of their operands.
 * @module
 */
import type { Gpu } from "./device.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Slice } from "./kernel.ts";
import type { Transfer } from "./program.ts";

/** Texels of a row: a power of two, so that a place in an array is found by a mask and a shift. */
export const TEXELS_WIDE = 1024;

/** What texels hold. */
export type TexelFormat = "rgba32float" | "rgba32uint";

/** Room for vec4s that shaders read as `texture_storage_2d<rgba32float, read>`; the part `texels` finds them by number. */
export interface Texels {
  /** What is bound. */
  readonly view: GPUTextureView;
  /** Where copies go. */
  readonly texture: GPUTexture;
  /** Bytes. */
  readonly size: number;
  /** Frees it. */
  destroy(): void;
}

/**
 * Makes room for `count` vec4s, counted like a buffer.
 * @param count at most `gpu.facts.maxTexels`
 * @param format `rgba32uint` for words, which a float might not keep
 */
export function createTexels(
  gpu: Gpu,
  count: number,
  label: string,
  format: TexelFormat = "rgba32float",
): Texels {
  const size = [Math.min(count, TEXELS_WIDE), Math.ceil(count / TEXELS_WIDE)] as const;
  return makeTexels(gpu, size, label, format);
}

function makeTexels(
  gpu: Gpu,
  [width, height]: readonly [number, number],
  label: string,
  format: TexelFormat,
): Texels {
  const texture = gpu.device.createTexture({
    label,
    size: [width, height],
    format,
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC,
  });
  const size = width * height * 16;
  const texels = { texture, view: texture.createView(), size, destroy: () => texture.destroy() };
  gpu.memory.bytes += size;
  gpu.memory.peakBytes = Math.max(gpu.memory.peakBytes, gpu.memory.bytes);
  gpu.owned?.add(texels);
  return texels;
}

/** A matrix in one texture: vec4 i of row j is the texel at (i, j). */
export interface TexelRows {
  /** What is bound, to be read or to be written. */
  readonly texels: Texels;
  /** Rows. */
  readonly rows: number;
  /** Columns. */
  readonly cols: number;
}

/** Whether a texture may be as long and as wide as a matrix. */
export function texelRowsFit(
  { maxTexels }: Pick<DeviceFacts, "maxTexels">,
  rows: number,
  cols: number,
): boolean {
  return Math.max(rows, Math.ceil(cols / 4)) <= maxTexels / TEXELS_WIDE;
}

/** Makes a matrix in one texture, of any values; it has to fit. */
export function createTexelRows(gpu: Gpu, label: string, rows: number, cols: number): TexelRows {
  return { texels: makeTexels(gpu, [Math.ceil(cols / 4), rows], label, "rgba32float"), rows, cols };
}

/** Copies the first `count` vec4s of a range of a buffer, or what there is of them. */
export function copyToTexels(source: GPUBuffer | Slice, to: Texels, count: number): Transfer {
  const { buffer, offset = 0 } = "buffer" in source ? source : { buffer: source };
  const held = Math.floor((buffer.size - offset) / 16);
  return { kind: "texels", from: buffer, fromOffset: offset, to, count: Math.min(count, held) };
}

/** Encodes such a copy: whole rows of texels, then what is left. */
export function encodeTexels(
  encoder: GPUCommandEncoder,
  { from, fromOffset, to, count }: Extract<Transfer, { kind: "texels" }>,
): void {
  const rows = Math.floor(count / TEXELS_WIDE), rest = count % TEXELS_WIDE;
  const bytesPerRow = TEXELS_WIDE * 16;
  if (rows > 0) {
    encoder.copyBufferToTexture(
      { buffer: from, offset: fromOffset, bytesPerRow },
      { texture: to.texture },
      [TEXELS_WIDE, rows],
    );
  }
  if (rest > 0) {
    encoder.copyBufferToTexture(
      { buffer: from, offset: fromOffset + rows * bytesPerRow, bytesPerRow },
      { texture: to.texture, origin: [0, rows] },
      [rest, 1],
    );
  }
}

const stages = new WeakMap<Gpu, Map<string, Texels>>();

/** Room for `count` vec4s that all who ask for the same `use` share: what is copied to it is for the next dispatch alone. */
export function sharedTexels(
  gpu: Gpu,
  count: number,
  use: string,
  format: TexelFormat = "rgba32float",
): Texels {
  const made = stages.get(gpu) ?? new Map<string, Texels>();
  stages.set(gpu, made);
  const key = `${use} ${count} ${format}`;
  const texels = made.get(key) ?? createTexels(gpu, count, use, format);
  made.set(key, texels);
  return texels;
}
