/**
 * Runs a language model with tensors of it replaced, and gives the losses of next tokens.
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { SdmError } from "../base/errors.ts";
import { vocabSize } from "./describe.ts";
import { openSession } from "./external.ts";
import { type FeedMaker, planFeeds } from "./feeds.ts";
import { loadModel } from "./graph.ts";
import { resolveHookpoints } from "./hookpoints.ts";
import { HEAD } from "./loss_head.ts";
import type { OnnxModel } from "./model.ts";
import { loadRuntime, type OnnxRuntime, type ProviderOptions } from "./providers.ts";
import { runtimeError } from "./runtime_error.ts";
import { planSplice, type SplicePart, type SplicePlan } from "./splice_plan.ts";
import type { CleanRun, SplicedRun, SplicedStep, Splicer } from "./splice_types.ts";
import type { ProviderName } from "./types.ts";

/** What a splicer is made from. */
export interface SplicerOptions extends ProviderOptions {
  /** Path of an ONNX file, or a model that was read. */
  model: string | OnnxModel;
  /** Hookpoints or tensors that a dictionary reads. */
  inputs: readonly string[];
  /** Hookpoints or tensors that it replaces. */
  targets: readonly string[];
  /** Which ONNX Runtime; default `auto`. */
  provider?: ProviderName;
  /** Weights above this are not copied to another part; see `CutOptions`. */
  cheapBytes?: number;
}

/** A part with its session. */
interface OpenPart {
  part: SplicePart;
  session: InferenceSession;
  feeds: Map<string, FeedMaker>;
  fetches: string[];
}

/** Values of tensors in one walk along the parts, by the tensor's name. */
type Pool = Map<string, Tensor>;

/**
 * Loads a model for splicing; its parts hold its weights once.
 *
 * Native code blocks the thread while it loads and runs; `spawnSplicer` does the same in a worker.
 * @throws SdmError for an unknown hookpoint, a model without logits, and whatever the runtime refuses
 */
export async function createSplicer(options: SplicerOptions): Promise<Splicer> {
  const model = typeof options.model === "string" ? await loadModel(options.model) : options.model;
  const tensors = (names: readonly string[]) =>
    resolveHookpoints(model, names).map((point) => point.tensor);
  const plan = planSplice(model, {
    inputs: tensors(options.inputs),
    targets: tensors(options.targets),
    cheapBytes: options.cheapBytes,
  });
  const runtime = await loadRuntime(options.provider ?? "auto", options);
  const opened: OpenPart[] = [];
  try {
    for (const part of plan.parts) opened.push(await openPart(model, part, runtime));
  } catch (error) {
    for (const { session } of opened) await session.release();
    runtime.close();
    throw error;
  }
  return new Walks(model, plan, runtime, opened);
}

async function openPart(
  model: OnnxModel,
  part: SplicePart,
  runtime: OnnxRuntime,
): Promise<OpenPart> {
  const own = part.inputs.filter((name) => name !== HEAD.next && name !== HEAD.clean);
  const feeds = planFeeds(model, own, runtime.Tensor);
  try {
    const session = await openSession(runtime, part.model);
    const fetches = [...new Set([...part.outputs.values(), ...part.sides.values()])];
    return { part, session, feeds, fetches };
  } catch (error) {
    throw runtimeError("load", model, error);
  }
}

/** Where a tensor is kept in the form in which other parts take it. */
function sideOf(tensor: string): string {
  return `${tensor}/sdm_side`;
}

/** A splicer on this thread. */
class Walks implements Splicer {
  readonly provider: Splicer["provider"];
  readonly targets: number;
  readonly vocab?: number;
  readonly inputsInOrder: readonly boolean[];
  readonly #model: OnnxModel;
  readonly #plan: SplicePlan;
  readonly #runtime: OnnxRuntime;
  readonly #parts: readonly OpenPart[];
  #ids: Int32Array = new Int32Array();
  #shape = { batch: 0, length: 0 };
  #clean: Pool = new Map();
  #walk: Pool = new Map();
  #closed = false;

  constructor(model: OnnxModel, plan: SplicePlan, runtime: OnnxRuntime, parts: OpenPart[]) {
    this.#model = model;
    this.#plan = plan;
    this.#runtime = runtime;
    this.#parts = parts;
    this.provider = runtime.provider;
    this.targets = plan.targets.length;
    this.vocab = vocabSize(model);
    this.inputsInOrder = plan.inputParts.map((part, i) => {
      return i >= this.targets || (plan.order[i] === i && part <= i);
    });
  }

  async clean(ids: Int32Array, batch: number, length: number): Promise<CleanRun> {
    if (ids.length !== batch * length || ids.length === 0) {
      throw new RangeError(`${ids.length} ids are not ${batch} contexts of ${length}`);
    }
    this.#ids = ids;
    this.#shape = { batch, length };
    this.#clean = new Map([[HEAD.clean, new this.#runtime.Tensor("float32", [0], [1, 1, 1])]]);
    for (let p = 0; p < this.#parts.length; p++) await this.#run(p, this.#clean);
    const logProbs = this.#clean.get(HEAD.logProbs)!;
    const losses = this.#losses(this.#clean);
    const axes = logProbs.dims;
    if (axes.length !== 3 || axes[0] !== batch || axes[1] !== length) {
      throw new SdmError(
        `Cannot measure next-token losses of "${this.#model.name}": its logits are ` +
          `[${axes.join(", ")}] for ${batch} contexts of ${length}, one row a token is needed`,
      );
    }
    this.#clean.set(HEAD.clean, logProbs);
    this.#clean.delete(HEAD.logProbs);
    const arrays = (names: readonly string[]) =>
      names.map((name) => (this.#clean.get(name)!.data as Float32Array).slice());
    return {
      inputs: arrays(this.#plan.inputs),
      targets: arrays(this.#plan.targets),
      ce: losses.ce,
    };
  }

  async replace(
    values: readonly (Float32Array | undefined)[],
    mask?: Float32Array,
  ): Promise<SplicedRun> {
    const { order } = this.#plan;
    const first = Math.max(0, order.findIndex((t) => values[t] !== undefined));
    this.#walk = new Map(this.#clean);
    for (let p = first; p < order.length; p++) await this.#step(p, values[order[p]], mask);
    return this.#losses(this.#walk);
  }

  async replaceNext(
    target: number,
    value: Float32Array,
    mask?: Float32Array,
  ): Promise<SplicedStep> {
    const { order, inputs } = this.#plan;
    const place = order.indexOf(target);
    if (place === 0) this.#walk = new Map(this.#clean);
    await this.#step(place, value, mask);
    const last = place === order.length - 1;
    const made = this.#plan.inputParts.map((part, i) =>
      part === place + 1 ? (this.#walk.get(inputs[i])!.data as Float32Array).slice() : undefined
    );
    return { inputs: made, losses: last ? this.#losses(this.#walk) : undefined };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { session } of this.#parts) await session.release();
    this.#runtime.close();
  }

  /** Puts a value in the place of the target at `place` of the chain and runs the part behind it. */
  async #step(place: number, value: Float32Array | undefined, mask?: Float32Array): Promise<void> {
    const name = this.#plan.targets[this.#plan.order[place]];
    const own = this.#walk.get(name)!;
    if (value) this.#walk.set(name, this.#mixed(own, value, mask));
    await this.#run(place + 1, this.#walk);
  }

  /** `value` in the shape of `own`, with the rows of `own` where the mask is 0. */
  #mixed(own: Tensor, value: Float32Array, mask?: Float32Array): Tensor {
    const kept = own.data as Float32Array;
    if (value.length !== kept.length) {
      throw new RangeError(`${value.length} values replace ${kept.length}`);
    }
    const rows = this.#ids.length, d = value.length / rows;
    const data = value.slice();
    for (let r = 0; r < rows; r++) {
      if (mask?.[r] === 0) data.set(kept.subarray(r * d, (r + 1) * d), r * d);
    }
    return new this.#runtime.Tensor("float32", data, own.dims);
  }

  async #run(place: number, pool: Pool): Promise<void> {
    const { part, session, feeds, fetches } = this.#parts[place];
    if (fetches.length === 0) return;
    const { batch, length } = this.#shape;
    const given: Record<string, Tensor> = {};
    for (const [name, make] of feeds) given[name] = make(this.#ids, batch, length);
    for (const [tensor, input] of part.replaced) given[input] = pool.get(tensor)!;
    for (const [tensor, input] of part.given) {
      given[input] = pool.get(sideOf(tensor)) ?? pool.get(tensor)!;
    }
    if (part.inputs.includes(HEAD.next)) given[HEAD.next] = this.#nextIds();
    if (part.inputs.includes(HEAD.clean)) given[HEAD.clean] = pool.get(HEAD.clean)!;
    let results: InferenceSession.OnnxValueMapType;
    // What is compared with is kept from the clean run; later log-probabilities stay in the runtime.
    const wanted = pool === this.#clean
      ? fetches
      : fetches.filter((name) => name !== HEAD.logProbs);
    try {
      results = await session.run(given, wanted);
    } catch (error) {
      throw runtimeError("run", this.#model, error);
    }
    const made = (output: string) => results[output] as Tensor;
    for (const [tensor, output] of part.outputs) {
      if (wanted.includes(output)) pool.set(tensor, made(output));
    }
    for (const [tensor, output] of part.sides) pool.set(sideOf(tensor), made(output));
  }

  #losses(pool: Pool): SplicedRun {
    const ce = Float32Array.from(pool.get(HEAD.nextLogProb)!.data as Float32Array, (v) => -v);
    return { ce, kl: (pool.get(HEAD.kl)!.data as Float32Array).slice() };
  }

  /** Ids one place earlier; the last position of a context has no next token and gets id 0. */
  #nextIds(): Tensor {
    const { batch, length } = this.#shape;
    const next = BigInt64Array.from(
      this.#ids,
      (_, i) => (i + 1) % length === 0 ? 0n : BigInt(this.#ids[i + 1]),
    );
    return new this.#runtime.Tensor("int64", next, [batch, length, 1]);
  }
}
