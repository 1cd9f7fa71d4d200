/**
 * Vec4s in a texture. A driver that computes on the CPU reads texels for all lanes of a subgroup at once, and buffers
 * lane by lane: several times slower. Kernels that live on loads therefore have variants that read copies of their operands.
 * @module
 */
import type { Gpu } from "./device.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Slice } from "./kernel.ts";
import { shared } from "./scratch.ts";
import { type TexelCopy, type TexelFormat, type Texels, TEXELS_WIDE } from "./texel_types.ts";

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
export function copyToTexels(source: GPUBuffer | Slice, to: Texels, count: number): TexelCopy {
  const { buffer, offset = 0 } = "buffer" in source ? source : { buffer: source };
  const held = Math.floor((buffer.size - offset) / 16);
  return { kind: "texels", from: buffer, fromOffset: offset, to, count: Math.min(count, held) };
}

/** Room for `count` vec4s that all who ask for the same `use` share: what is copied to it is for the next dispatch alone. */
export function sharedTexels(
  gpu: Gpu,
  count: number,
  use: string,
  format: TexelFormat = "rgba32float",
): Texels {
  return shared(
    gpu,
    `texels ${use} ${count} ${format}`,
    () => createTexels(gpu, count, use, format),
  );
}
