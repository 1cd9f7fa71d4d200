/**
 * Half floats on the host: arrays of float32 to and from binary16 and bfloat16, rounding to nearest even.
 * @module
 */

/** Largest finite binary16 value. */
export const MAX_F16 = 65504;

/** Float32 to binary16; a finite value above the range becomes infinite, see {@link firstF16Overflow}. */
export function toF16(values: Float32Array): Float16Array {
  return new Float16Array(values);
}

/** Binary16 to float32, exact. */
export function fromF16(halves: Float16Array, out?: Float32Array): Float32Array {
  if (!out) return new Float32Array(halves);
  out.set(halves);
  return out;
}

/** Index of the first finite value that binary16 would make infinite, or -1 when all fit. */
export function firstF16Overflow(values: Float32Array): number {
  // 65520 is the midpoint between the largest finite value and the next power of two: it rounds up.
  // A loop, since a call for every value takes longer than the conversion itself.
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]) >= 65520 && Number.isFinite(values[i])) return i;
  }
  return -1;
}

/**
 * Float32 to the bits of bfloat16: the upper half of the word after adding half a unit (ties to even).
 * A NaN stays a quiet NaN with its sign; values above the largest bfloat16 become infinite.
 */
export function toBf16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const u = words[i];
    const isNan = (u & 0x7fffffff) > 0x7f800000;
    bits[i] = isNan ? (u >>> 16) | 0x40 : (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
  }
  return bits;
}

/** Bits of bfloat16 to float32, exact. */
export function fromBf16(bits: Uint16Array, out?: Float32Array): Float32Array {
  const floats = out ?? new Float32Array(bits.length);
  const words = new Uint32Array(floats.buffer, floats.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return floats;
}
