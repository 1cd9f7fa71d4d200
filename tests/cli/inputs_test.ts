// Names of the hub in a configuration: fetched, pinned, and found again when a run has moved to another machine.
import assert from "assert";
import { join } from "node:path";
import { SdmError } from "../../lib/base/errors.ts";
import { silent } from "../../lib/base/progress.ts";
import { fetchInputs, fetchPlaced, type InputKeys } from "../../lib/commands/inputs.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { withFolder } from "../files/folder.ts";
import { type Hub, startHub } from "../files/hub_server.ts";

const FIRST = "1".repeat(40), SECOND = "2".repeat(40);
const hooks = { onProgress: silent };
const fixture = (name: string) =>
  Deno.readFile(new URL(`../onnx/fixtures/${name}`, import.meta.url));

async function withHub(run: (hub: Hub, folder: string) => Promise<void>): Promise<void> {
  const gpt2 = await fixture("gpt2.onnx"), half = await fixture("gpt2_f16.onnx");
  const files = { "tokenizer.json": "{}", "onnx/model.onnx": gpt2, "onnx/model_fp16.onnx": half };
  await withFolder(async (folder) => {
    await using hub = startHub({
      "models/own/tiny": { commit: FIRST, files },
      "datasets/own/data": { commit: FIRST, files: { "train.txt": "x" } },
    });
    const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(folder, "cache"), HF_TOKEN: "hf_test" };
    const before = Object.keys(env).map((name) => [name, Deno.env.get(name)] as const);
    for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
    try {
      await run(hub, folder);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
  });
}

Deno.test("names are pinned to a commit, mean what they meant in the run before, and move with it", () =>
  withHub(async (hub, folder) => {
    const asked: InputKeys = { model: { onnx: "own/tiny" }, data: { dataset: "own/data:c/train" } };
    const first = await fetchInputs(asked, hooks);
    const snapshot = `${folder}/cache/models--own--tiny/snapshots/${FIRST}`;
    assert.equal(first.model.onnx, `${snapshot}/onnx/model.onnx`);
    assert.equal(first.model.tokenizer, `${snapshot}/tokenizer.json`);
    assert.equal(first.model.hub, `own/tiny@${FIRST}`);
    assert.deepEqual(first.data, {
      dataset: `own/data@${FIRST}`,
      dataset_config: "c",
      dataset_split: "train",
    });

    hub.repos["models/own/tiny"].commit = hub.repos["datasets/own/data"].commit = SECOND;
    const newer = await fetchInputs(asked, hooks);
    assert.deepEqual([newer.model.hub, newer.data.dataset], [
      `own/tiny@${SECOND}`,
      `own/data@${SECOND}`,
    ]);
    const resumed = await fetchInputs(asked, hooks, first);
    assert.deepEqual(resumed, first);
    const seen = hub.seen.length;
    assert.deepEqual((await fetchInputs(first, hooks)).model, {
      ...first.model,
    });
    assert.equal(hub.seen.length, seen, "what is here is not asked for");

    // config.json of a run that was made elsewhere.
    const elsewhere = {
      onnx: `/elsewhere/hub/models--own--tiny/snapshots/${FIRST}/onnx/model.onnx`,
      tokenizer: `/elsewhere/hub/models--own--tiny/snapshots/${FIRST}/tokenizer.json`,
      hub: `own/tiny@${FIRST}`,
    };
    assert.deepEqual(await fetchInputs({ model: elsewhere, data: {} }, hooks), {
      model: first.model,
      data: {},
    });
    const half = await fetchInputs({ model: { ...first.model, dtype: "fp16" }, data: {} }, hooks);
    assert.equal(half.model.onnx, `${snapshot}/onnx/model_fp16.onnx`);
    const back = await fetchInputs({ model: { ...half.model, dtype: "fp32" }, data: {} }, hooks);
    assert.equal(back.model.onnx, first.model.onnx);

    const placed = new Map<string, unknown>([["model.onnx", "own/tiny"], ["seed", 3]]);
    assert.deepEqual(Object.fromEntries(await fetchPlaced(placed, hooks)), {
      "model.onnx": newer.model.onnx,
      "model.hub": `own/tiny@${SECOND}`,
      "model.tokenizer": newer.model.tokenizer,
      seed: 3,
    });
  }));

Deno.test("what lies here wins over the hub, unless the hub is named", () =>
  withHub(async (hub, folder) => {
    const before = Deno.cwd();
    Deno.chdir(folder);
    try {
      await Deno.mkdir("own/tiny/onnx", { recursive: true });
      await Deno.writeFile("own/tiny/onnx/model.onnx", await fixture("gpt2.onnx"));
      await Deno.writeTextFile("own/tiny/tokenizer.json", "{}");
      await Deno.mkdir("own/data");
      await Deno.writeTextFile("own/data/a.txt", "text");
      const load = async (onnx: string, dataset: string) =>
        await loadConfig({
          overrides: [
            { path: "model.onnx", value: onnx },
            { path: "model.hookpoint", value: "x" },
            { path: "data.dataset", value: dataset },
          ],
        });
      const own = await load("own/tiny", "own/data");
      const here = await Deno.realPath(".");
      assert.deepEqual([own.data.text, own.data.dataset], [[`${here}/own/data`], undefined]);
      const found = await fetchInputs(own, hooks);
      assert.equal(found.model.onnx, `${here}/own/tiny/onnx/model.onnx`);
      assert.equal(found.model.tokenizer, `${here}/own/tiny/tokenizer.json`);
      assert.equal(hub.seen.length, 0);
      const named = await fetchInputs(await load("hf:own/tiny", "hf:own/data"), hooks);
      assert.equal(named.model.hub, `own/tiny@${FIRST}`);
      assert.equal(named.data.dataset, `own/data@${FIRST}`);
      const error = await fetchInputs(await load("own/tony", "own/data"), hooks)
        .then(() => assert.fail("it must be refused"), (error) => error);
      assert.ok(error instanceof SdmError);
      assert.match(error.hint ?? "", /"own\/tiny".*no file or folder "own\/tony" here/);
    } finally {
      Deno.chdir(before);
    }
  }));
