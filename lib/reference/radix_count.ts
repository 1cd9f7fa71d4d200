/**
 * Counts of a radix pass.
 * @module
 */
import type { Code } from "./types.ts";

/** Bits of a float32. */
export function bits32(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0];
}

/** Entries by digit: those whose bits above `below` are those of `prefix`, counted by the 8 bits from `shift`. */
export function radixCount(code: Code, prefix: number, below: number, shift: number): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const { value } of code.flat()) {
    const bits = bits32(value);
    if (Math.floor(bits / 2 ** below) === Math.floor(prefix / 2 ** below)) {
      counts[Math.floor(bits / 2 ** shift) % 256]++;
    }
  }
  return counts;
}
