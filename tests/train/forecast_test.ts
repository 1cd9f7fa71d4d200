// Plans of runs that have not been started.
import assert from "assert";
import { join } from "node:path";
import { silent } from "../../lib/base/progress.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { forecastRun } from "../../lib/train/forecast.ts";
import type { Amount, Forecast } from "../../lib/train/forecast_types.ts";
import { withFolder } from "../files/folder.ts";
import { configOf, plantedStore } from "./runs.ts";

const MIB = 2 ** 20;

async function shapes(
  values: Record<string, unknown>,
  bindingBytes?: number,
): Promise<Forecast> {
  const overrides = Object.entries(values).map(([path, value]) => ({ path, value }));
  const config = await loadConfig({ overrides, inputs: false });
  return await forecastRun({ config, probeSteps: 0, bindingBytes }, { onProgress: silent });
}

const sum = (amounts: readonly Amount[]) => amounts.reduce((n, { bytes }) => n + bytes, 0);

Deno.test("a dictionary of 131072 latents of width 768 takes little more than its weights, gradients and moments", async () => {
  const wide = { "dictionary.d_in": 768, "dictionary.d_sae": 131072 };
  const families: Record<string, unknown>[] = [
    { "dictionary.k": 32 },
    { "dictionary.type": "batchtopk", "dictionary.k": 32 },
    { "dictionary.type": "jumprelu" },
    { "dictionary.type": "matryoshka", "dictionary.k": 32 },
  ];
  for (const family of families) {
    const { gpu, trouble, time } = await shapes({ ...wide, ...family });
    assert.ok(gpu && !time);
    assert.deepEqual(trouble, []);
    const of = new Map(gpu.purposes.map(({ name, bytes }) => [name, bytes]));
    const [weights, gradients, moments] = ["weights", "gradients", "moments"].map((n) =>
      of.get(n)!
    );
    assert.equal(gradients, weights);
    assert.equal(moments, 2 * weights);
    assert.ok(weights >= 2 * 131072 * 768 * 4);
    const ratio = gpu.peak_bytes / (weights + gradients + moments);
    assert.ok(ratio < 1.2, `${JSON.stringify(family)}: ${ratio}, most of it at ${gpu.peak_phase}`);
    assert.equal(sum(gpu.purposes), gpu.training_bytes);
    assert.equal(sum(gpu.workspace), of.get("workspace"));
  }
});

Deno.test("tensors are cut as the binding says, and pieces are no larger than it", async () => {
  const values = { "dictionary.d_in": 256, "dictionary.d_sae": 16384 };
  for (const [mib, buffers] of [[16, 1], [8, 2], [4, 4]]) {
    const { gpu } = await shapes({ ...values, "train.batch_tokens": 256 }, mib * MIB);
    assert.equal(gpu!.max_binding_bytes, mib * MIB);
    assert.ok(gpu!.largest_buffer.bytes <= mib * MIB);
    const wDec = gpu!.splits.find(({ tensor }) => tensor === "W_dec");
    if (buffers === 1) assert.equal(wDec, undefined);
    else {
      assert.deepEqual(wDec, {
        tensor: "W_dec",
        shape: [16384, 256],
        bytes: 16 * MIB,
        buffers,
      });
    }
    const names = gpu!.splits.map(({ tensor }) => tensor);
    assert.equal(names.length, buffers === 1 ? 0 : 8, names.join());
  }
});

Deno.test("what does not fit is said, with a batch that does", async () => {
  const values = { "dictionary.d_in": 1024, "dictionary.d_sae": 4096, "train.batch_tokens": 2048 };
  const { gpu, trouble } = await shapes(values, 4 * MIB);
  assert.equal(gpu, undefined);
  assert.equal(trouble.length, 1);
  assert.match(
    trouble[0].message,
    /^Cannot use "median rows" as one buffer: its 8 MiB are cut over 2,/,
  );
  const batch = Number(trouble[0].advice.match(/^--batch-tokens (\d+) fits$/)![1]);
  const smaller = { ...values, "train.batch_tokens": batch };
  assert.deepEqual((await shapes(smaller, 4 * MIB)).trouble, []);
  const huge = await shapes({
    "dictionary.d_in": 1024,
    "dictionary.d_sae": 32768,
    "data.buffer_tokens": 2 ** 28,
  });
  assert.ok(huge.gpu, "buffers are cut, so it can be built");
  const told = huge.trouble.map(({ message, advice }) => `${message}; ${advice}`).join("\n");
  assert.match(told, /Memory does not suffice: the process takes .* are available; lower --buffer/);
});

Deno.test("room on the disk is that of the checkpoints that are kept, and of one more", async () => {
  const values = {
    "dictionary.d_in": 64,
    "dictionary.d_sae": 1024,
    "train.training_tokens": 100 * 2048,
    "train.keep_checkpoints": 3,
  };
  const { disk, d_sae, steps } = await shapes(values);
  const weights = (2 * 1024 * 64 + 1024 + 64) * 4;
  const of = new Map(disk!.parts.map(({ name, bytes }) => [name, bytes]));
  assert.deepEqual([d_sae, steps], [1024, 100]);
  assert.equal(of.get("final weights"), weights);
  const counters = of.get("4 checkpoints")! / 4 - 3 * weights;
  assert.ok(counters > 0 && counters < 16384, `${counters}`);
  const one = await shapes({ ...values, "train.n_checkpoints": 1 });
  assert.ok(one.disk!.parts.some(({ name }) => name === "1 checkpoints"));
});

Deno.test("without a model, a store and a width there is nothing to plan from", async () => {
  await assert.rejects(
    () => shapes({}),
    /^SdmError: Cannot plan: no model, no activation store and no width, one of them is needed/,
  );
});

Deno.test("a graph that declares its widths is planned for without being run", async () => {
  const clt = await shapes({
    "model.onnx": new URL("../../models/demo/model.onnx", import.meta.url).pathname,
    "model.hookpoints": ["blocks.*.mlp.hook_in"],
    "model.hookpoints_out": ["blocks.*.hook_mlp_out"],
    "dictionary.type": "clt",
    "dictionary.d_sae": 512,
  });
  assert.deepEqual([clt.d_in, clt.d_out, clt.layers > 1], [192, 192, true]);
  assert.ok(clt.host!.parts.some(({ name }) => name === "language model"));
});

Deno.test("a probe tells rates and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const config = await configOf(store, join(folder, "runs", "one"), {
      "train.training_tokens": 40 * 64,
      "train.batch_tokens": 64,
      "dictionary.d_sae": 160,
      "dictionary.k": 3,
    });
    const steps: number[] = [];
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage === "probe") steps.push(done);
    };
    const { time, gpu, assumed, trouble } = await forecastRun(
      { config, probeSteps: 8 },
      { onProgress },
    );
    assert.deepEqual([trouble, assumed], [[], false]);
    assert.ok(gpu!.peak_bytes > 0);
    assert.equal(time!.probe_steps, 8);
    assert.equal(steps.at(-1), 8);
    const rates = [time!.model_tokens_per_second, time!.dictionary_tokens_per_second];
    assert.ok(rates.every((rate) => rate > 0 && Number.isFinite(rate)), rates.join());
    const { start_seconds, training_seconds, checkpoint_seconds, total_seconds } = time!;
    assert.equal(total_seconds, start_seconds + training_seconds + checkpoint_seconds);
    const left = [];
    for await (const { name } of Deno.readDir(folder)) left.push(name);
    assert.deepEqual(left, ["store"], "no run, no trial checkpoint");
  }));
