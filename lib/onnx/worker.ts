/**
 * The model's own thread: opens one runner and answers its owner's requests in order.
 * @module
 */
import { portableError } from "../base/errors.ts";
import { parseModel } from "./graph.ts";
import type { PortableRunnerOptions, RunnerAnswer, RunnerRequest } from "./messages.ts";
import { createRunner } from "./runner.ts";
import type { ModelRunner } from "./types.ts";

declare const self: DedicatedWorkerGlobalScope;

let runner: ModelRunner | undefined;
let queue: Promise<void> = Promise.resolve();

async function open(options: PortableRunnerOptions): Promise<ModelRunner> {
  const { model } = options;
  const read = typeof model === "string" ? model : parseModel(model.bytes, model.name);
  return await createRunner({ ...options, model: read });
}

async function answer(request: RunnerRequest): Promise<RunnerAnswer> {
  const { id } = request;
  try {
    if (request.kind === "open") {
      runner = await open(request.options);
      return { id, kind: "opened", provider: runner.provider, taps: runner.taps };
    }
    if (request.kind === "close") {
      await runner?.close();
      return { id, kind: "closed" };
    }
    if (!runner) throw new Error("a run was asked for before a model was opened");
    const arrays = await runner.run(request.ids, request.batch, request.length);
    return { id, kind: "ran", arrays };
  } catch (error) {
    return { id, kind: "failed", error: portableError(error) };
  }
}

self.onmessage = (event: MessageEvent<RunnerRequest>) => {
  queue = queue.then(async () => {
    const reply = await answer(event.data);
    const moved = reply.kind === "ran" ? reply.arrays.map((array) => array.buffer) : [];
    self.postMessage(reply, moved);
  });
};
