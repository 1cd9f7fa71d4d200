/**
 * What texels are, and how a buffer is copied to them.
 * @module
 */

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

/** A copy of vec4s from a buffer, one entry of a program. */
export interface TexelCopy {
  /** What it is among the transfers. */
  kind: "texels";
  /** The buffer. */
  from: GPUBuffer;
  /** Byte of the first vec4. */
  fromOffset: number;
  /** Where they go. */
  to: Texels;
  /** How many. */
  count: number;
}

/** Encodes a copy: whole rows of texels, then what is left. */
export function encodeTexels(
  encoder: GPUCommandEncoder,
  { from, fromOffset, to, count }: TexelCopy,
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
