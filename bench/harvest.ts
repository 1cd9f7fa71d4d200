/**
 * Activations a second of the bundled language model, by every provider that loads here, beside ONNX Runtime alone.
 * @module
 */
import { fileURLToPath } from "node:url";
import { messageOf } from "../lib/base/errors.ts";
import { RandomStream } from "../lib/base/random.ts";
import { planFeeds } from "../lib/onnx/feeds.ts";
import { loadModel } from "../lib/onnx/graph.ts";
import { loadRuntime } from "../lib/onnx/providers.ts";
import { spawnRunner } from "../lib/onnx/remote.ts";
import type { ProviderName } from "../lib/onnx/types.ts";
import { timesOf } from "./stats.ts";
import type { HarvestResult } from "./types.ts";

/** What is tapped. */
export const HOOKPOINT = "blocks.2.hook_resid_post";

const MODEL = fileURLToPath(new URL("../models/demo/model.onnx", import.meta.url));
const BATCH = 16;
const LENGTH = 128;
const VOCAB = 4096;

interface Contender {
  runner: string;
  run(ids: Int32Array): Promise<unknown>;
  close(): Promise<void>;
}

async function tapped(provider: ProviderName): Promise<Contender> {
  const runner = await spawnRunner({ model: MODEL, taps: [HOOKPOINT], provider });
  return {
    runner: `sdm, ${runner.provider}, tap only`,
    run: (ids) => runner.run(ids, BATCH, LENGTH),
    close: () => runner.close(),
  };
}

/** The file as it is, on this thread, all the way to the logits: what a script without taps would pay. */
async function alone(provider: ProviderName): Promise<Contender> {
  const model = await loadModel(MODEL);
  const runtime = await loadRuntime(provider);
  const session = await runtime.open(await Deno.readFile(MODEL), []);
  const feeds = planFeeds(model, session.inputNames, runtime.Tensor);
  return {
    runner: `ONNX Runtime, ${runtime.provider}, whole model`,
    run: (ids) =>
      session.run(
        Object.fromEntries([...feeds].map(([name, make]) => [name, make(ids, BATCH, LENGTH)])),
      ),
    close: async () => {
      await session.release();
      runtime.close();
    },
  };
}

/** Times all in turn; one that does not load is listed with its reason. */
export async function measureHarvest(
  providers: readonly ProviderName[],
  rounds: number,
): Promise<HarvestResult[]> {
  const tokens = BATCH * LENGTH;
  const stream = new RandomStream(1, "bench tokens");
  const ids = Int32Array.from({ length: tokens }, (_, i) => 1 + stream.below(VOCAB - 1, 0, i));
  const started: { contender: Contender; ms: number[] }[] = [];
  const failed: HarvestResult[] = [];
  const makers = providers.flatMap((provider) => [
    { name: `sdm, ${provider}, tap only`, make: () => tapped(provider) },
    { name: `ONNX Runtime, ${provider}, whole model`, make: () => alone(provider) },
  ]);
  for (const { name, make } of makers) {
    try {
      const contender = await make();
      await contender.run(ids);
      started.push({ contender, ms: [] });
    } catch (error) {
      const none = { minMs: 0, medianMs: 0, spread: 0 };
      failed.push({ runner: name, tokens, ...none, trouble: messageOf(error) });
    }
  }
  for (let r = 0; r < rounds; r++) {
    for (const { contender, ms } of started) {
      const from = performance.now();
      await contender.run(ids);
      ms.push(performance.now() - from);
    }
  }
  for (const { contender } of started) await contender.close();
  const done = started.map(({ contender, ms }): HarvestResult => {
    const times = timesOf(ms);
    return {
      runner: contender.runner,
      tokens,
      ...times,
      tokensPerSecond: tokens / times.medianMs * 1000,
    };
  });
  return [...done, ...failed];
}
