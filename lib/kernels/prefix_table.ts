/**
 * Bounds and weights of nested prefixes on the device.
 * @module
 */
import { createBuffer, type Gpu } from "../gpu/device.ts";

/** Most prefixes of a table: `decode_prefixes` keeps all their rests in registers. */
export const MOST_PREFIXES = 32;

/** Bounds and weights of prefixes on the device; the host may write others before a step. */
export interface PrefixTable {
  /** Number of prefixes. */
  readonly prefixes: number;
  /** vec2u [prefixes]: (latents of the prefix, bits of the weight of its loss), bounds ascending. */
  readonly buffer: GPUBuffer;
}

/** A prefix of a table. */
export interface WeightedPrefix {
  /** Its latents: those below this number; 0 for the bias alone. */
  bound: number;
  /** Weight of its loss. */
  weight: number;
}

/** Makes a table. The last bound must be the number of all latents. */
export function createPrefixTable(gpu: Gpu, prefixes: readonly WeightedPrefix[]): PrefixTable {
  const buffer = createBuffer(gpu, prefixes.length * 8, "prefix table");
  const table = { prefixes: prefixes.length, buffer };
  writePrefixTable(gpu, table, prefixes);
  return table;
}

/** Writes other bounds and weights, as many as there were. */
export function writePrefixTable(
  gpu: Gpu,
  table: PrefixTable,
  prefixes: readonly WeightedPrefix[],
): void {
  if (prefixes.length !== table.prefixes || prefixes.length > MOST_PREFIXES) {
    throw new RangeError(`Cannot write ${prefixes.length} prefixes to ${table.prefixes} places`);
  }
  const words = new DataView(new ArrayBuffer(prefixes.length * 8));
  prefixes.forEach(({ bound, weight }, g) => {
    words.setUint32(g * 8, bound, true);
    words.setFloat32(g * 8 + 4, weight, true);
  });
  gpu.device.queue.writeBuffer(table.buffer, 0, words.buffer);
}
