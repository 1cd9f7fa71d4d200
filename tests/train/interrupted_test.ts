import assert from "assert";
import { join } from "node:path";
import { exists } from "../../lib/files/documents.ts";
import { checkpointSteps } from "../../lib/train/checkpoint.ts";
import { withFolder } from "../files/folder.ts";
import { sdm, start } from "../cli/_sdm.ts";
import { configOf, EVENTFUL, metricsOf, outcomeOf, plantedStore, train } from "./runs.ts";

const STEPS = 160;
const LONG = { ...EVENTFUL, "train.training_tokens": STEPS * 64, "train.save_every": 11 };

/** The values as flags of the command line. */
function flags(store: string, run: string, values: Readonly<Record<string, unknown>>): string[] {
  const all = { "data.activations": store, output_path: run, ...values };
  return Object.entries(all).flatMap(([path, value]) => ["--set", `${path}=${value}`]);
}

/** Waits until a run has a checkpoint of step `step` or later. */
async function checkpointAfter(run: string, step: number): Promise<void> {
  for (const started = performance.now(); performance.now() - started < 30_000;) {
    if ((await checkpointSteps(run)).some((found) => found >= step)) return;
    await pause(5);
  }
  throw new Error(`no checkpoint of step ${step} came`);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test({
  name:
    "a run that is killed, then stopped by Ctrl-C, then resumed ends in the same bits as a whole one",
  ignore: Deno.build.os === "windows", // there a process cannot send Ctrl-C to another one
  fn: () =>
    withFolder(async (folder) => {
      const store = join(folder, "store"), whole = join(folder, "whole");
      const run = join(folder, "run");
      await plantedStore(store);
      await train(await configOf(store, whole, LONG));

      const target = Math.floor(Math.random() * 50), delay = Math.random() * 100;
      const killed = start(["train", ...flags(store, run, LONG)]);
      await checkpointAfter(run, target);
      await pause(delay);
      killed.kill("SIGKILL");
      assert.equal((await killed.output()).signal, "SIGKILL", "it was still at work");
      const left = (await checkpointSteps(run)).at(-1)!;
      const where = `killed ${delay} ms after step ${target}, with step ${left} on disk`;
      assert.ok(left >= target && left < STEPS, where);

      const pressed = start(["train", "--resume", run]);
      await checkpointAfter(run, left + 1);
      pressed.kill("SIGINT");
      const { code, stdout, stderr } = await pressed.output();
      assert.equal(code, 130, text(stderr));
      assert.match(
        text(stderr),
        /^Stopping at a checkpoint; press Ctrl-C again to leave at once$/m,
      );
      const said = text(stdout).match(/^Stopped at step (\d+) of 160: .+\nGo on with: sdm (.*)\n$/);
      assert.ok(said, text(stdout));
      const step = Number(said[1]);
      assert.ok(step > left && step < STEPS);
      assert.equal((await checkpointSteps(run)).at(-1), step, "that step is on disk");
      assert.ok((await metricsOf(run)).every((line) => line.step <= step));

      const resumed = await sdm(said[2].split(" "));
      assert.equal(resumed.code, 0, resumed.err);
      assert.match(resumed.out, /^Trained 160 steps: /);
      assert.deepEqual(await outcomeOf(run), await outcomeOf(whole), where);
    }),
});

Deno.test({
  name: "Ctrl-C is answered at once while the GPU is at work, and obeyed within seconds",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const store = join(folder, "store"), run = join(folder, "run");
      await plantedStore(store, 65536);
      // A hundred steps between two looks at the figures, each some tenths of a second long on a software adapter.
      const values = {
        "train.training_tokens": 1e9,
        "train.batch_tokens": 1024,
        "train.log_every": 100,
        "train.save_every": 10_000,
        "dictionary.d_sae": 8192,
        "dictionary.k": 64,
      };
      const child = start(["train", ...flags(store, run, values)]);
      const stdout = new Response(child.stdout).text();
      while (!await exists(join(run, "manifest.json"))) await pause(20);
      await pause(1000);
      const pressed = performance.now();
      child.kill("SIGINT");
      let answered = Infinity, err = "";
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        err += text;
        if (err.includes("Stopping at a checkpoint;")) {
          answered = Math.min(answered, performance.now() - pressed);
        }
      }
      const took = performance.now() - pressed;
      assert.equal((await child.status).code, 130, err);
      assert.match(await stdout, /^Stopped at step [1-9]\d* of 976563: .*fvu/);
      assert.ok(answered < 2000, `answered after ${answered} ms`);
      assert.ok(took < 8000, `obeyed after ${took} ms`);
    }),
});
