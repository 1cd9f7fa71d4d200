// Model and dictionary on one device: the same training as with the model elsewhere, run to run in the same bits.
import assert from "assert";
import { join } from "node:path";
import { loadConfig } from "../../lib/config/load.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { openTrainInputs } from "../../lib/train/inputs.ts";
import { isOnDevice, nextBatch } from "../../lib/data/types.ts";
import { readManifest } from "../../lib/train/manifest.ts";
import { silent } from "../../lib/base/progress.ts";
import { withFolder } from "../files/folder.ts";
import { metricsOf, train } from "./runs.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;

/** What lies early in the model needs few pipelines: most of the time goes into compiling them. */
async function configOf(output: string, provider: string, layer: "pre" | "post" = "pre") {
  const values = {
    output_path: output,
    "model.onnx": `${DEMO}/model.onnx`,
    "model.hookpoint": `blocks.0.hook_resid_${layer}`,
    "model.provider": provider,
    "model.threads": 1,
    "data.text": [`${DEMO}/corpus/heldout.jsonl.gz`],
    "data.max_tokens": 2048,
    "data.context_size": 32,
    "data.buffer_tokens": 256,
    "train.training_tokens": 768,
    "train.batch_tokens": 128,
    "train.log_every": 2,
    "train.save_every": 4,
    "dictionary.d_sae": 256,
    "dictionary.k": 8,
    "optimizer.lr": 1e-3,
    "report.eval": false,
  };
  const overrides = Object.entries(values).map(([path, value]) => ({ path, value }));
  return await loadConfig({ overrides });
}

Deno.test("a model on the dictionary's device gives the rows of the native one, in the same order", async () => {
  const gpu = await openGpu();
  const inputs = await Promise.all(
    ["cpu", "webgpu"].map(async (provider) =>
      await openTrainInputs(
        await configOf("unused", provider, "post"),
        6,
        { onProgress: silent },
        gpu,
      )
    ),
  );
  try {
    const [native, shared] = inputs.map(({ batches }) => batches);
    for (const step of [0, 2, 5]) {
      assert(isOnDevice(await nextBatch(shared, step)), "nothing leaves the device");
      assert(!isOnDevice(await nextBatch(native, step)));
      const wanted = (await native.batch(step)).points[0],
        got = (await shared.batch(step)).points[0];
      let square = 0, off = 0;
      wanted.forEach((value, i) => {
        square += value * value;
        off += (got[i] - value) ** 2;
      });
      assert(Math.sqrt(off / square) < 1e-5, `step ${step}: ${Math.sqrt(off / square)}`);
    }
  } finally {
    for (const one of inputs) await one.close();
    gpu.close();
  }
});

Deno.test("training on the model's device: the figures of the native model, resumed in the same bits", () =>
  withFolder(async (folder) => {
    const run = (name: string) => join(folder, name);
    const native = await train(await configOf(run("cpu"), "cpu"));
    const first = await train(await configOf(run("first"), "webgpu"));
    assert(first.finished && first.steps === 6);
    const config = await configOf(run("stopped"), "webgpu");
    const stopped = await train(config, { stopAfterStep: 3 });
    assert.equal(stopped.step, 3);
    const resumed = await train(config, { resume: true });
    assert.equal(resumed.stateSha256, first.stateSha256);
    const lines = await metricsOf(run("first")), wanted = await metricsOf(run("cpu"));
    assert.equal(lines.length, 3);
    lines.forEach((line, i) => {
      const fvu = wanted[i]["recon/fvu"];
      assert(Math.abs(line["recon/fvu"] - fvu) < 1e-3 * fvu, `${line["recon/fvu"]}, ${fvu}`);
    });
    assert(native.finished);
    const { seconds, plan, peak_gpu_bytes } = await readManifest(run("first"));
    assert.equal(
      peak_gpu_bytes,
      plan!.gpu_bytes,
      "memory as planned, blocks on the device included",
    );
    assert(seconds!.waiting > 0 && seconds!.idle === undefined, "nobody is idle on one device");
    assert((await readManifest(run("cpu"))).seconds!.idle! >= 0);
  }));
