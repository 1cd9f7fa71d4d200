/**
 * Starts the worker that owns the GPU; alone in its file, so that a bundle can say where its worker lies.
 * @module
 */

/** A new worker. */
export function spawnGpuWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
}
