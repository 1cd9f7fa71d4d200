// Resampling: which rows are drawn, what becomes of silent latents and of nothing else, and that a resumed run does the same.
import assert from "assert";
import { join } from "node:path";
import { RandomStream } from "../../lib/base/random.ts";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { checkpointPath } from "../../lib/train/checkpoint.ts";
import { drawRows } from "../../lib/train/resample.ts";
import { withFolder } from "../files/folder.ts";
import { configOf, metricsOf, plantedStore, train } from "./runs.ts";

Deno.test("drawRows() draws different rows, heavier ones more often, and none without weight", () => {
  const stream = new RandomStream(3, "test");
  const weights = [0, 1, 4, 0, 15, 0];
  const counts = [0, 0, 0, 0, 0, 0];
  for (let step = 0; step < 4000; step++) counts[drawRows(weights, 1, stream, step)[0]]++;
  weights.forEach((w, i) => assert.ok(Math.abs(counts[i] / 4000 - w / 20) < 0.03, `${counts}`));
  assert.deepEqual(drawRows(weights, 9, stream, 1).sort(), [1, 2, 4]);
  assert.deepEqual(drawRows(weights, 2, stream, 7), drawRows(weights, 2, stream, 7));
  assert.deepEqual(drawRows([0, 0], 1, stream, 0), []);
});

/** A penalty that silences most latents. */
const SILENCED = {
  "dictionary.type": "relu",
  "dictionary.l1_coefficient": 30,
  "dictionary.sparsity_warm_up_steps": 0,
  "dictionary.d_sae": 96,
  "dictionary.dead_after_tokens": 256,
  "dictionary.resample_every": 10,
  "dictionary.resample_dead_after": 256,
  "train.training_tokens": 40 * 64,
  "train.batch_tokens": 64,
  "train.log_every": 5,
  "train.save_every": 10,
  "train.keep_checkpoints": 9,
  "data.buffer_tokens": 512,
  "optimizer.lr": 3e-3,
};

async function tensors(run: string, step: number, names: string[]) {
  using file = await SafetensorsFile.open(join(checkpointPath(run, step), "state.safetensors"));
  const found = new Map<string, Float32Array>();
  for (const name of names) found.set(name, await file.readFloat32(name));
  return { found, since: await file.read("since_fired") as Uint32Array };
}

Deno.test("silent latents get rows and a fresh memory, others keep every bit", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), on = join(folder, "on"), off = join(folder, "off");
    await plantedStore(store);
    const every = (steps: number) => ({ ...SILENCED, "dictionary.resample_every": steps });
    await train(await configOf(store, on, every(30)), { stopAfterStep: 30 });
    await train(await configOf(store, off, every(0)), { stopAfterStep: 30 });
    const names = ["W_enc", "W_dec", "b_enc", "adam_m.W_enc", "adam_v.W_dec", "adam_m.b_enc"];
    const after = await tensors(on, 30, names), before = await tensors(off, 30, names);
    const silent = [...before.since.keys()].filter((latent) => before.since[latent] > 256);
    assert.ok(silent.length > 8 && silent.length < 64, `${silent.length} of 96 were silent`);
    const row = (m: Float32Array, latent: number) => m.subarray(latent * 24, (latent + 1) * 24);
    const length = (values: Float32Array) => Math.hypot(...values);
    const mean = (name: string) => {
      const own = [...before.since.keys()].filter((latent) => !silent.includes(latent));
      const total = own.reduce((sum, l) => sum + length(row(before.found.get(name)!, l)), 0);
      return total / own.length;
    };
    for (let latent = 0; latent < 96; latent++) {
      if (!silent.includes(latent)) {
        for (const name of names) {
          const width = name.includes("b_enc") ? 1 : 24;
          const span = [latent * width, (latent + 1) * width];
          assert.deepEqual(
            after.found.get(name)!.slice(...span),
            before.found.get(name)!.slice(...span),
            name,
          );
        }
        assert.equal(after.since[latent], before.since[latent]);
        continue;
      }
      const encoder = row(after.found.get("W_enc")!, latent);
      const decoder = row(after.found.get("W_dec")!, latent);
      const scale = length(encoder) / length(decoder);
      encoder.forEach((v, i) =>
        assert.ok(Math.abs(v - scale * decoder[i]) < 1e-5, "one direction")
      );
      assert.ok(Math.abs(length(encoder) / (0.2 * mean("W_enc")) - 1) < 1e-4);
      assert.ok(Math.abs(length(decoder) / mean("W_dec") - 1) < 1e-4);
      assert.equal(after.found.get("b_enc")![latent], 0);
      assert.equal(after.found.get("adam_m.b_enc")![latent], 0);
      for (const name of ["adam_m.W_enc", "adam_v.W_dec"]) {
        assert.equal(length(row(after.found.get(name)!, latent)), 0, name);
      }
      assert.equal(after.since[latent], 0);
    }
  }));

Deno.test("a resampled run has fewer dead latents, and ends in the same bits when it is resumed", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const runs = { whole: SILENCED, without: { ...SILENCED, "dictionary.resample_every": 0 } };
    const states: string[] = [];
    for (const [name, values] of Object.entries(runs)) {
      states.push((await train(await configOf(store, join(folder, name), values))).stateSha256);
    }
    const dead = async (name: string) =>
      (await metricsOf(join(folder, name))).at(-1)!["sparsity/dead_frac"];
    assert.ok(await dead("whole") < 0.7 * await dead("without"), "fewer are dead");
    const config = await configOf(store, join(folder, "stopped"), SILENCED);
    await train(config, { stopAfterStep: 20 });
    assert.equal((await train(config, { resume: true })).stateSha256, states[0]);
  }));
