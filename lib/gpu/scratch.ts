/**
 * Room for what lives from one dispatch to the next only, shared by all who need as much.
 * @module
 */
import { createBuffer, type Gpu } from "./device.ts";

const rooms = new WeakMap<Gpu, Map<string, GPUBuffer>>();

/**
 * A buffer of `bytes` for a use. Everybody who asks for the same use and size gets the same one: what is in it has to be read
 * by the commands that follow what wrote it, before anybody else's.
 */
export function sharedBuffer(gpu: Gpu, bytes: number, use: string): GPUBuffer {
  const made = rooms.get(gpu) ?? new Map<string, GPUBuffer>();
  rooms.set(gpu, made);
  const key = `${use} ${bytes}`;
  const buffer = made.get(key) ?? createBuffer(gpu, bytes, use);
  made.set(key, buffer);
  return buffer;
}
