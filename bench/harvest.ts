/**
 * Activations a second of the bundled language model beside ONNX Runtime alone, by every provider that loads here.
 *
 * What is compared has the same graph: the whole model with and without a tap, the model cut behind the last layer run
 * by a bare session and by `sdm`, the latter also as `sdm harvest` runs it, from text to files on the disk.
 * @module
 */
import { fileURLToPath } from "node:url";
import { messageOf } from "../lib/base/errors.ts";
import { RandomStream } from "../lib/base/random.ts";
import { harvestToStore } from "../lib/data/store_writer.ts";
import { tapOutputs } from "../lib/onnx/edit.ts";
import { openSession } from "../lib/onnx/external.ts";
import { planFeeds } from "../lib/onnx/feeds.ts";
import { loadModel } from "../lib/onnx/graph.ts";
import { resolveHookpoints } from "../lib/onnx/hookpoints.ts";
import { loadRuntime } from "../lib/onnx/providers.ts";
import { spawnRunner } from "../lib/onnx/remote.ts";
import type { ProviderName } from "../lib/onnx/types.ts";
import { openCorpus } from "../lib/text/corpora.ts";
import { keptPositions } from "../lib/text/masks.ts";
import { packContexts } from "../lib/text/packing.ts";
import { loadTokenizer } from "../lib/text/tokenizer.ts";
import { timesOf } from "./stats.ts";
import type { HarvestResult } from "./types.ts";

/** What is tapped: behind it only the last norm and the logits are left. */
export const HOOKPOINT = "blocks.3.hook_resid_post";

const DEMO = new URL("../models/demo/", import.meta.url);
const MODEL = fileURLToPath(new URL("model.onnx", DEMO));
const CONTEXTS = 16;
const LENGTH = 128;
/** Model runs of a call: enough that their order, and what is done between them, counts. */
const RUNS = 4;
/** Tokens of a model run. */
const TOKENS = CONTEXTS * LENGTH;
const VOCAB = 4096;

interface Contender {
  /** Model runs. */
  call(ids: readonly Int32Array[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Entry {
  runner: string;
  /** Model runs of a call; an adapter that is software takes seconds for each. */
  runs: number;
  /** The row that it is to be as fast as. */
  baseline?: string;
  make(): Promise<Contender>;
}

/** Model runs on this thread, one after the other: what a script without `sdm` would do. */
async function bare(provider: ProviderName, taps?: readonly string[]): Promise<Contender> {
  const whole = await loadModel(MODEL);
  const tensors = taps && resolveHookpoints(whole, taps).map((point) => point.tensor);
  const model = tensors ? tapOutputs(whole, tensors).model : whole;
  const runtime = await loadRuntime(provider);
  const session = await openSession(runtime, model);
  const feeds = planFeeds(whole, session.inputNames, runtime.Tensor);
  return {
    async call(runs) {
      for (const ids of runs) {
        const given = [...feeds].map(([name, make]) => [name, make(ids, CONTEXTS, LENGTH)]);
        await session.run(Object.fromEntries(given));
      }
    },
    async close() {
      await session.release();
      runtime.close();
    },
  };
}

/** The same in a worker with taps; as in a harvest, a run is asked for before the last one is back. */
async function tapped(provider: ProviderName, taps: readonly string[]): Promise<Contender> {
  const runner = await spawnRunner({ model: MODEL, taps, provider });
  return {
    call: (runs) => Promise.all(runs.map((ids) => runner.run(ids, CONTEXTS, LENGTH))),
    close: () => runner.close(),
  };
}

/** All that `sdm harvest` does with text once the model is open: tokens, rows, files. */
async function toDisk(provider: ProviderName): Promise<Contender> {
  const tokenizer = await loadTokenizer(fileURLToPath(new URL("tokenizer.json", DEMO)));
  const runner = await spawnRunner({ model: MODEL, taps: [HOOKPOINT], provider });
  const points = [{ name: HOOKPOINT, tensor: runner.taps[0], d: 192 }];
  const folder = await Deno.makeTempDir();
  const text = [fileURLToPath(new URL("corpus/train.jsonl.gz", DEMO))];
  return {
    async call(runs) {
      const maxTokens = runs.length * TOKENS;
      const options = { contextSize: LENGTH, prependBos: false, maxTokens };
      const tokens = await packContexts(openCorpus(text), tokenizer, options);
      const kept = keptPositions(tokens, { dropFirst: false });
      const facts = { tool: "bench", model: {}, tokenizer: {}, data: {}, overwrite: true };
      await harvestToStore({ tokens, kept, runner, points, path: `${folder}/store`, ...facts });
    },
    async close() {
      await runner.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function entriesOf(provider: ProviderName): Entry[] {
  const whole = `ONNX Runtime, ${provider}, whole model`;
  const cut = `ONNX Runtime, ${provider}, cut at the tap`;
  const runs = provider === "webgpu" ? 1 : RUNS;
  // Files are put on the disk once a shard, which is far more text than a call's.
  const entries: (Omit<Entry, "runs"> & Partial<Entry>)[] = [
    { runner: whole, make: () => bare(provider) },
    {
      runner: `sdm, ${provider}, whole model and tap`,
      baseline: whole,
      make: () => tapped(provider, [HOOKPOINT, "logits"]),
    },
    { runner: cut, baseline: whole, make: () => bare(provider, [HOOKPOINT]) },
    {
      runner: `sdm, ${provider}, cut at the tap`,
      baseline: cut,
      make: () => tapped(provider, [HOOKPOINT]),
    },
    {
      runner: `sdm harvest, ${provider}, text to files`,
      baseline: cut,
      runs: 4 * runs,
      make: () => toDisk(provider),
    },
  ];
  return entries.map((entry) => ({ runs, ...entry }));
}

/** Times all in turn, by model run; one that does not load is listed with its reason. */
export async function measureHarvest(
  providers: readonly ProviderName[],
  rounds: number,
): Promise<HarvestResult[]> {
  const stream = new RandomStream(1, "bench tokens");
  const runs = Array.from({ length: 4 * RUNS }, (_, r) =>
    Int32Array.from(
      { length: CONTEXTS * LENGTH },
      (_, i) => 1 + stream.below(VOCAB - 1, r, i),
    ));
  const started: { entry: Entry; contender: Contender; ms: number[] }[] = [];
  const failed: HarvestResult[] = [];
  for (const entry of providers.flatMap(entriesOf)) {
    try {
      const contender = await entry.make();
      await contender.call(runs.slice(0, entry.runs));
      started.push({ entry, contender, ms: [] });
    } catch (error) {
      const none = { minMs: 0, medianMs: 0, spread: 0 };
      const trouble = messageOf(error);
      failed.push({ runner: entry.runner, tokens: TOKENS, ...none, trouble });
    }
  }
  for (let r = 0; r < rounds; r++) {
    for (const { contender, entry, ms } of started) {
      const from = performance.now();
      await contender.call(runs.slice(0, entry.runs));
      ms.push((performance.now() - from) / entry.runs);
    }
  }
  for (const { contender } of started) await contender.close();
  const medians = new Map(started.map(({ entry, ms }) => [entry.runner, timesOf(ms).medianMs]));
  const done = started.map(({ entry: { runner, baseline }, ms }): HarvestResult => {
    const times = timesOf(ms);
    const other = baseline === undefined ? undefined : medians.get(baseline);
    return {
      runner,
      tokens: TOKENS,
      ...times,
      tokensPerSecond: TOKENS / times.medianMs * 1000,
      ...other === undefined ? {} : { baseline, ratio: other / times.medianMs },
    };
  });
  return [...done, ...failed];
}
