/**
 * Room for what lives from one dispatch to the next only, shared by all who need the same.
 * @module
 */
import { createBuffer, type Gpu } from "./device.ts";

const rooms = new WeakMap<Gpu, Map<string, unknown>>();

/**
 * What was made on a device under a key, made now if it was not yet. What is in it has to be read by the commands that follow
 * what wrote it, before anybody else's.
 * @param key use, size and kind; it decides the type
 */
export function shared<T>(gpu: Gpu, key: string, make: () => T): T {
  const made = rooms.get(gpu) ?? new Map<string, unknown>();
  rooms.set(gpu, made);
  if (!made.has(key)) made.set(key, make());
  return made.get(key) as T;
}

/** A buffer of `bytes` for a use: everybody who asks for the same use and size gets the same one. */
export function sharedBuffer(gpu: Gpu, bytes: number, use: string): GPUBuffer {
  return shared(gpu, `buffer ${use} ${bytes}`, () => createBuffer(gpu, bytes, use));
}
