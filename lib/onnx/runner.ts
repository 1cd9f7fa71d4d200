/**
 * Runs a language model on this thread and gives the activations of its taps.
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { SdmError } from "../base/errors.ts";
import { contextLimit, vocabSize } from "./describe.ts";
import { tapOutputs, type TappedModel } from "./edit.ts";
import { openSession } from "./external.ts";
import { type FeedMaker, planFeeds } from "./feeds.ts";
import { loadModel } from "./graph.ts";
import { resolveHookpoints } from "./hookpoints.ts";
import type { OnnxModel } from "./model.ts";
import { loadRuntime, type OnnxRuntime, type RuntimeOptions } from "./providers.ts";
import { runtimeError } from "./runtime_error.ts";
import type { DeviceTaps, ModelRunner, ProviderName } from "./types.ts";

/** What a runner is made from. */
export interface RunnerOptions extends RuntimeOptions {
  /** Path of an ONNX file, or a model that was read. */
  model: string | OnnxModel;
  /** Hookpoints by canonical name, or tensors by their own; the order of the results. */
  taps: readonly string[];
  /** Which ONNX Runtime; default `auto`. */
  provider?: ProviderName;
}

/**
 * Loads a model that computes its taps and nothing else.
 *
 * Native code blocks the thread while it loads and runs; `spawnRunner` does the same in a worker.
 * @throws SdmError for a file that cannot be read, an unknown tap, an input that cannot be given
 */
export async function createRunner(options: RunnerOptions): Promise<ModelRunner> {
  const model = typeof options.model === "string" ? await loadModel(options.model) : options.model;
  const tensors = resolveHookpoints(model, options.taps).map((point) => point.tensor);
  if (tensors.length === 0) {
    throw new SdmError(`Cannot run ONNX model "${model.name}": no taps, at least one is needed`);
  }
  const tapped = tapOutputs(model, tensors);
  const runtime = await loadRuntime(options.provider ?? "auto", options);
  let feeds: Map<string, FeedMaker>;
  let session: InferenceSession;
  try {
    feeds = planFeeds(model, tapped.inputs, runtime.Tensor);
    session = await openSession(runtime, tapped.model);
  } catch (error) {
    runtime.close();
    throw runtimeError("load", model, error);
  }
  const check = idCheck(model);
  return makeRunner({ model, runtime, session, feeds, check, taps: tensors, tapped });
}

/** Everything that one open runner holds. */
interface OpenModel {
  model: OnnxModel;
  runtime: OnnxRuntime;
  session: InferenceSession;
  feeds: Map<string, FeedMaker>;
  check: (ids: Int32Array, length: number) => void;
  taps: readonly string[];
  tapped: TappedModel;
}

/** Refuses what the embeddings have no row for: the runtime's own words for it name a node and no token. */
function idCheck(model: OnnxModel): OpenModel["check"] {
  const vocab = vocabSize(model) ?? Infinity, limit = contextLimit(model) ?? Infinity;
  return (ids, length) => {
    const doing = `Cannot run ONNX model "${model.name}"`;
    if (length > limit) {
      throw new SdmError(`${doing}: contexts of ${length} tokens, it takes at most ${limit}`);
    }
    const bad = ids.find((id) => id < 0 || id >= vocab);
    if (bad !== undefined) {
      throw new SdmError(`${doing}: token id ${bad}, it has ids 0 to ${vocab - 1}`, {
        hint: "use the tokenizer that belongs to the model",
      });
    }
  };
}

/** The error of a run after `close()`. */
export function closedError(name: string): SdmError {
  return new SdmError(`Cannot run ONNX model "${name}": it was closed, an open runner is needed`);
}

type RunArgs = Parameters<ModelRunner["run"]>;

function makeRunner(open: OpenModel): ModelRunner {
  const { model, runtime, session, feeds, taps } = open;
  const { outputs } = open.tapped;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function results(ids: Int32Array, batch: number, length: number): Promise<Tensor[]> {
    open.check(ids, length);
    const given: Record<string, Tensor> = {};
    for (const [name, make] of feeds) given[name] = make(ids, batch, length);
    try {
      const found = await session.run(given);
      return outputs.map((output) => found[output] as Tensor);
    } catch (error) {
      throw runtimeError("run", model, error);
    }
  }

  async function toHost(tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const seen = new Map<Tensor, Float32Array>();
    const arrays: Float32Array[] = [];
    for (const tensor of tensors) {
      const known = seen.get(tensor);
      const data = known ?? await tensor.getData(true) as Float32Array;
      seen.set(tensor, data);
      // One tensor under two taps is two arrays, so that both can be handed to another thread.
      arrays.push(known ? data.slice() : data);
    }
    return arrays;
  }

  function onDevice(tensors: readonly Tensor[]): DeviceTaps {
    return {
      buffers: tensors.map((tensor) => tensor.gpuBuffer as GPUBuffer),
      lengths: tensors.map((tensor) => tensor.size),
      release: () => new Set(tensors).forEach((tensor) => tensor.dispose()),
    };
  }

  /** A session takes one run at a time. */
  async function inTurn<T>(
    [ids, batch, length]: RunArgs,
    use: (tensors: Tensor[]) => T | Promise<T>,
  ): Promise<T> {
    if (ids.length !== batch * length || ids.length === 0) {
      throw new RangeError(`${ids.length} ids are not ${batch} contexts of ${length}`);
    }
    if (closed) throw closedError(model.name);
    const result = queue.then(async () => await use(await results(ids, batch, length)));
    queue = result.catch(() => {});
    return await result;
  }

  const runOnDevice = (...args: RunArgs) => inTurn(args, onDevice);
  return {
    provider: runtime.provider,
    taps,
    run: (...args) => inTurn(args, toHost),
    ...runtime.onDevice ? { runOnDevice } : {},
    async close() {
      if (closed) return;
      closed = true;
      await queue;
      await session.release();
      runtime.close();
    },
  };
}
