/**
 * Starts the model worker. A file of its own, so that a bundle can put its own worker file in place of this one's.
 * @module
 */

/** A new model worker. */
export function spawnModelWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "sdm-model" });
}
