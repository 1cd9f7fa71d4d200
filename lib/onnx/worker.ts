/**
 * The model's own thread: opens one runner or one splicer and answers its owner's requests in order.
 * @module
 */
import { portableError } from "../base/errors.ts";
import { parseModel } from "./graph.ts";
import type { PortableRunnerOptions, RunnerAnswer, RunnerRequest, SpliceCall } from "./messages.ts";
import type { OnnxModel } from "./model.ts";
import { createRunner } from "./runner.ts";
import { createSplicer } from "./splice.ts";
import type { Splicer } from "./splice_types.ts";
import type { ModelRunner } from "./types.ts";

declare const self: DedicatedWorkerGlobalScope;

let runner: ModelRunner | undefined;
let splicer: Splicer | undefined;
let queue: Promise<void> = Promise.resolve();

function read(model: PortableRunnerOptions["model"]): string | OnnxModel {
  return typeof model === "string" ? model : parseModel(model.bytes, model.name);
}

async function splice(call: SpliceCall) {
  if (!splicer) throw new Error("a splice was asked for before a model was opened");
  switch (call.method) {
    case "clean":
      return await splicer.clean(call.ids, call.batch, call.length);
    case "replace":
      return await splicer.replace(call.values, call.mask);
    case "replaceNext":
      return await splicer.replaceNext(call.target, call.value, call.mask);
  }
}

async function answer(request: RunnerRequest): Promise<RunnerAnswer> {
  const { id } = request;
  try {
    if (request.kind === "open") {
      const { options } = request;
      runner = await createRunner({ ...options, model: read(options.model) });
      return { id, kind: "opened", provider: runner.provider, taps: runner.taps };
    }
    if (request.kind === "open_splicer") {
      const { options } = request;
      splicer = await createSplicer({ ...options, model: read(options.model) });
      const { provider, targets, vocab, inputsInOrder } = splicer;
      return { id, kind: "opened_splicer", facts: { provider, targets, vocab, inputsInOrder } };
    }
    if (request.kind === "splice") {
      return { id, kind: "spliced", result: await splice(request.call) };
    }
    if (request.kind === "close") {
      await runner?.close();
      await splicer?.close();
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
