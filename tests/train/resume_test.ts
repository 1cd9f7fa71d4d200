import assert from "assert";
import { join } from "node:path";
import { checkpointSteps } from "../../lib/train/checkpoint.ts";
import { readManifest } from "../../lib/train/manifest.ts";
import { withFolder } from "../files/folder.ts";
import { configOf, EVENTFUL, metricsOf, outcomeOf, plantedStore, train } from "./runs.ts";

const STEPS = 40;

/** A store, and what a run over it gives that is never stopped. */
async function withWholeRun(
  check: (
    folder: string,
    store: string,
    whole: Awaited<ReturnType<typeof outcomeOf>> & { state: string },
  ) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const run = join(folder, "whole");
    const { stateSha256, finished } = await train(await configOf(store, run));
    assert.ok(finished);
    await check(folder, store, { ...await outcomeOf(run), state: stateSha256 });
  });
}

Deno.test("a run that is stopped and resumed ends in the same bits as one that is not", () =>
  withWholeRun(async (folder, store, whole) => {
    const lines = await metricsOf(join(folder, "whole"));
    assert.deepEqual(lines.map((l) => l.step), [
      3,
      6,
      9,
      12,
      15,
      18,
      21,
      24,
      27,
      30,
      33,
      36,
      39,
      40,
    ]);
    assert.ok(lines.some((l) => l["loss/auxk"] > 0), "AuxK was at work");
    assert.ok(new Set(lines.map((l) => l["sparsity/l0"])).size > 4, "k was falling");

    const run = join(folder, "stopped");
    const config = await configOf(store, run);
    const first = await train(config, { stopAfterStep: 10 });
    assert.deepEqual([first.step, first.steps, first.finished], [10, STEPS, false]);
    assert.ok(first.figures["recon/fvu"] > 0, "a stopped run knows its last figures");
    assert.deepEqual(await checkpointSteps(run), [7, 10]);

    // Step 21 is a checkpoint and a logged step; what a crash leaves lying about must do no harm.
    await train(config, { resume: true, stopAfterStep: 21 });
    const ahead = '{"step":24,"tokens":1536,"recon/fvu":9}\n{"step":27,"tok';
    await Deno.writeTextFile(join(run, "metrics.jsonl"), ahead, { append: true });
    for (const left of ["step-00000028.partial", "step-00000021.old.partial"]) {
      await Deno.mkdir(join(run, "checkpoints", left));
      await Deno.writeTextFile(join(run, "checkpoints", left, "state.safetensors"), "torn");
    }
    const last = await train(config, { resume: true });
    assert.ok(last.finished);
    assert.equal(last.stateSha256, whole.state);
    assert.deepEqual(await outcomeOf(run), { weights: whole.weights, metrics: whole.metrics });
    assert.deepEqual(await checkpointSteps(run), [35, 40], "the newest two stay");

    const manifest = await readManifest(run);
    assert.ok(manifest.finished && manifest.seconds!.training > 0);
  }));

Deno.test("a run that a signal stops, wherever it is, ends in the same bits when resumed", () =>
  withWholeRun(async (folder, store, whole) => {
    const run = join(folder, "stopped");
    const config = await configOf(store, run);
    await assert.rejects(train(config, {}, { signal: AbortSignal.abort() }), {
      message: "Stopped before the first step: there is nothing to go on from",
      exitCode: 130,
    });
    const early = await train(config, { stopAfterStep: 0 });
    assert.equal(early.step, 0);
    let done = 0;
    for (const wanted of [5, 20, 33]) {
      const stop = new AbortController();
      const result = await train(config, { resume: true }, {
        signal: stop.signal,
        onProgress: ({ figures }) => Number(figures?.step) >= wanted && stop.abort(),
      });
      assert.ok(result.step > done && result.step < STEPS, `${result.step} of ${STEPS} steps`);
      done = result.step;
    }
    const last = await train(config, { resume: true });
    assert.equal(last.stateSha256, whole.state);
    assert.deepEqual(await outcomeOf(run), { weights: whole.weights, metrics: whole.metrics });
  }));

Deno.test("resuming a finished run changes nothing; resuming with another configuration or other data is refused", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    await plantedStore(store);
    const short = { ...EVENTFUL, "train.training_tokens": 64 * 8 };
    const config = await configOf(store, run, short);
    const whole = await train(config);
    const files = ["final/sdm.json", "final/sae_weights.safetensors", "metrics.jsonl"];
    const read = () => Promise.all(files.map((name) => Deno.readTextFile(join(run, name))));
    const before = await read();
    const again = await train(config, { resume: true });
    assert.deepEqual(again, whole);
    assert.deepEqual(await read(), before);

    const other = await configOf(store, run, { ...EVENTFUL, "optimizer.lr": 1e-3 });
    await assert.rejects(train(other, { resume: true }), {
      name: "SdmError",
      message: `Cannot resume "${run}": its configuration differs from the one given, ` +
        "the same is needed",
      exitCode: 2,
    });
    const changed = join(folder, "changed");
    await plantedStore(changed, 1024);
    await assert.rejects(train(await configOf(changed, run, short), { resume: true }), {
      name: "SdmError",
      message:
        /^Cannot resume ".*": the SHA-256 of the data is ".*", ".*" is needed as at the start$/,
    });
    await assert.rejects(train(config), /it already holds a run \("/);
    assert.deepEqual(await read(), before, "nothing is lost by a refusal");
  }));

Deno.test("a checkpoint that cannot be read is named", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    await plantedStore(store);
    const config = await configOf(store, run);
    await assert.rejects(train(config, { resume: true }), /^SdmError: Cannot open run /);
    await train(config, { stopAfterStep: 8 });
    const file = join(run, "checkpoints", "step-00000008", "state.safetensors");
    const bytes = await Deno.readFile(file);
    const flipped = bytes.slice();
    flipped[bytes.length - 100] ^= 1;
    for (const spoilt of [bytes.subarray(0, bytes.length - 100), flipped]) {
      await Deno.writeFile(file, spoilt);
      await assert.rejects(train(config, { resume: true }), {
        name: "SdmError",
        message: `Cannot resume from "${join(run, "checkpoints", "step-00000008")}": ` +
          "state.safetensors was changed since it was written, the same bytes are needed",
        hint: "delete that folder to go on from the one before",
        exitCode: 2,
      });
    }
    // The one before is whole: without the damaged one the run goes on from there.
    await Deno.remove(join(run, "checkpoints", "step-00000008"), { recursive: true });
    const { step } = await train(config, { resume: true, stopAfterStep: 9 });
    assert.equal(step, 9);
    await Deno.remove(join(run, "checkpoints"), { recursive: true });
    await assert.rejects(train(config, { resume: true }), /there is no checkpoint in/);
  }));

Deno.test("what is measured once is remembered, and one factor under its old name is understood", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const values = { ...EVENTFUL, "train.loss": "fixed_fvu" };
    const whole = join(folder, "whole"), stopped = join(folder, "stopped");
    const { stateSha256 } = await train(await configOf(store, whole, values));
    const { target_variance, input_scales } = await readManifest(whole);
    assert.ok(target_variance! > 0.01 && target_variance !== 1, `${target_variance}`);

    const config = await configOf(store, stopped, values);
    await train(config, { stopAfterStep: 10 });
    const rename = async (file: string) => {
      const { input_scales, ...rest } = JSON.parse(await Deno.readTextFile(file));
      assert.equal(input_scales.length, 1);
      await Deno.writeTextFile(file, JSON.stringify({ ...rest, input_scale: input_scales[0] }));
    };
    await rename(join(stopped, "manifest.json"));
    await rename(join(stopped, "checkpoints", "step-00000010", "state.json"));
    assert.deepEqual((await readManifest(stopped)).input_scales, input_scales);
    assert.equal((await train(config, { resume: true })).stateSha256, stateSha256);
  }));
