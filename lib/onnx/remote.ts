/**
 * A model runner in a thread of its own, behind the interface of one on this thread.
 * @module
 */
import { reviveError } from "../base/errors.ts";
import type { RunnerAnswer, RunnerRequest } from "./messages.ts";
import { closedError, type RunnerOptions } from "./runner.ts";
import { spawnModelWorker } from "./spawn.ts";
import type { ModelRunner } from "./types.ts";

type Waiting = { resolve: (answer: RunnerAnswer) => void; reject: (error: Error) => void };
type Unnumbered<T> = T extends { id: number } ? Omit<T, "id"> : never;

/** A worker whose answers are promises. */
export class Line {
  readonly #worker = spawnModelWorker();
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #broken: Error | undefined;

  constructor() {
    this.#worker.onmessage = (event: MessageEvent<RunnerAnswer>) => {
      const waiting = this.#waiting.get(event.data.id);
      this.#waiting.delete(event.data.id);
      if (event.data.kind === "failed") waiting?.reject(reviveError(event.data.error));
      else waiting?.resolve(event.data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(new Error(`the model worker stopped: ${event.message}`));
    };
  }

  /** Sends a request and waits for its answer. */
  ask(request: Unnumbered<RunnerRequest>): Promise<RunnerAnswer> {
    if (this.#broken) return Promise.reject(this.#broken);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id });
    });
  }

  /** Stops the worker; what still waits fails with `reason`. */
  end(reason: Error): void {
    this.#broken ??= reason;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}

/** A model as it crosses to a worker: by its path, or its bytes. */
export function portableModel(
  model: RunnerOptions["model"],
): string | { bytes: Uint8Array; name: string } {
  if (typeof model === "string") return model;
  return model.path ?? { bytes: model.bytes, name: model.name };
}

/**
 * Loads a model in a worker of its own; results move over without a copy. Runs queue in the order of the calls.
 * `close()` waits for the runs that were asked for before it and then ends the worker.
 * @throws SdmError as `createRunner` does
 */
export async function spawnRunner(options: Omit<RunnerOptions, "device">): Promise<ModelRunner> {
  const { model } = options;
  const name = typeof model === "string" ? model : model.name;
  const line = new Line();
  const portable = portableModel(model);
  let opened: RunnerAnswer;
  try {
    opened = await line.ask({ kind: "open", options: { ...options, model: portable } });
  } catch (error) {
    line.end(closedError(name));
    throw error;
  }
  if (opened.kind !== "opened") throw new Error(`the model worker answered "${opened.kind}"`);
  let closing: Promise<void> | undefined;
  return {
    provider: opened.provider,
    taps: opened.taps,
    async run(ids, batch, length) {
      if (closing) throw closedError(name);
      if (ids.length !== batch * length || ids.length === 0) {
        throw new RangeError(`${ids.length} ids are not ${batch} contexts of ${length}`);
      }
      const answer = await line.ask({ kind: "run", ids, batch, length });
      if (answer.kind !== "ran") throw new Error(`the model worker answered "${answer.kind}"`);
      return answer.arrays;
    },
    close() {
      closing ??= line.ask({ kind: "close" }).then(() => {})
        .finally(() => line.end(closedError(name)));
      return closing;
    },
  };
}
