// What a configuration opens as its data: points by role, from text and from a store, for every kind of family.
import assert from "assert";
import { join } from "node:path";
import { silent } from "../../lib/base/progress.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { resolveDefaults } from "../../lib/config/resolve.ts";
import { harvestText } from "../../lib/commands/harvest_text.ts";
import { openTrainInputs, type TrainInputs } from "../../lib/train/inputs.ts";
import { measureScales, measureVariance } from "../../lib/train/start.ts";
import { withFolder } from "../files/folder.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;
const TEXT = {
  "model.onnx": `${DEMO}/model.onnx`,
  "model.threads": 1,
  "data.text": [`${DEMO}/corpus/heldout.jsonl.gz`],
  "data.context_size": 32,
  "data.buffer_tokens": 256,
  "train.training_tokens": 512,
  "train.batch_tokens": 128,
};

type Values = Readonly<Record<string, unknown>>;

async function configOf(values: Values, inputs: true | "harvest" = true) {
  const overrides = Object.entries(values).map(([path, value]) => ({ path, value }));
  return await loadConfig({ overrides, inputs });
}

async function opened<T>(values: Values, work: (inputs: TrainInputs) => Promise<T>): Promise<T> {
  const inputs = await openTrainInputs(await configOf(values), 4, { onProgress: silent });
  try {
    return await work(inputs);
  } finally {
    await inputs.close();
  }
}

const LAYERS = {
  "dictionary.type": "clt",
  "model.hookpoints": ["blocks.*.mlp.hook_in"],
  "model.hookpoints_out": ["blocks.*.hook_mlp_out"],
};

Deno.test("text gives the inputs of all layers, then what is to be reconstructed", () =>
  opened({ ...TEXT, ...LAYERS }, async ({ batches, widths, provenance, facts }) => {
    const names = (hook: string) => [0, 1, 2, 3].map((l) => `blocks.${l}.${hook}`);
    assert.deepEqual(batches.points.map(({ name }) => name), [
      ...names("mlp.hook_in"),
      ...names("hook_mlp_out"),
    ]);
    assert.deepEqual(widths, { dIn: 192, dOut: 192, layers: 4, contextSize: undefined });
    assert.deepEqual(provenance.hookpoints, names("mlp.hook_in"));
    assert.deepEqual(provenance.hookpointsOut, names("hook_mlp_out"));
    assert.equal((facts.points as unknown[]).length, 8);
    const config = resolveDefaults(await configOf({ ...TEXT, ...LAYERS }), widths);
    assert.equal(config.dictionary.n_layers, 4);
    const scales = await measureScales(config, batches);
    assert.equal(new Set(scales).size, 8, "one factor a point");
    const { points } = await batches.batch(0);
    points.forEach((values, p) => {
      let sum = 0;
      for (let i = 0; i < 128; i++) sum += Math.hypot(...values.subarray(i * 192, (i + 1) * 192));
      const mean = scales[p] * sum / 128;
      assert.ok(Math.abs(mean / Math.sqrt(192) - 1) < 0.2, `point ${p}: mean norm ${mean}`);
    });
  }));

Deno.test("lorsa gets whole contexts with a mask, from text and from a store that it can use", () =>
  withFolder(async (folder) => {
    const lorsa = {
      "dictionary.type": "lorsa",
      "model.hookpoint": "blocks.1.attn.hook_in",
      "model.hookpoint_out": "blocks.1.hook_attn_out",
    };
    const check = async ({ batches, widths, provenance }: TrainInputs) => {
      assert.deepEqual(widths, { dIn: 192, dOut: 192, layers: undefined, contextSize: 32 });
      assert.equal(provenance.hookpointOut, "blocks.1.hook_attn_out");
      assert.deepEqual(provenance.droppedPositions, [0]);
      const { mask, points, rows } = await batches.batch(1);
      assert.deepEqual([rows, points.length, mask!.length], [128, 2, 128]);
      mask!.forEach((one, row) => assert.ok(row % 32 > 0 || one === 0, "first positions"));
      assert.ok(mask!.reduce((a, b) => a + b) > 100);
    };
    await opened({ ...TEXT, ...lorsa }, check);
    const config = await configOf({ ...TEXT, ...lorsa, "data.max_tokens": 4000 }, "harvest");
    const out = join(folder, "store");
    const { points } = await harvestText({ config, out, overwrite: false }, { onProgress: silent });
    assert.deepEqual(points.map(({ d }) => d), [192, 192]);
    // The roles of the store tell which point is what, and its contexts how long they are.
    const store = {
      "data.activations": out,
      "dictionary.type": "lorsa",
      "train.batch_tokens": 128,
    };
    await opened(store, check);
    const resolved = resolveDefaults(await configOf(store), { dIn: 192, contextSize: 32 });
    assert.equal(resolved.data.context_size, 32);
    await assert.rejects(
      opened({ ...store, "train.batch_tokens": 100 }, check),
      /^SdmError: Cannot make batches of 100 rows from contexts of 32 tokens/,
    );
  }));

Deno.test("points of a store are picked by name, by pattern, and by their roles", () =>
  withFolder(async (folder) => {
    const out = join(folder, "store");
    const harvest = {
      ...TEXT,
      "model.hookpoints": ["blocks.*.mlp.hook_in"],
      "model.hookpoints_out": ["blocks.1.hook_mlp_out", "blocks.2.hook_mlp_out"],
      "data.max_tokens": 4000,
    };
    const config = await configOf(harvest, "harvest");
    await harvestText({ config, out, overwrite: false }, { onProgress: silent });
    const store = { "data.activations": out, "train.batch_tokens": 64, "data.buffer_tokens": 256 };
    const names = (values: Values) =>
      opened({ ...store, ...values }, ({ batches }) =>
        Promise.resolve(
          batches.points.map(({ name, role }) => role === "target" ? `> ${name}` : name),
        ));
    assert.deepEqual(await names({}), ["blocks.0.mlp.hook_in"]);
    assert.deepEqual(await names({ "model.hookpoint": "blocks.1.hook_mlp_out" }), [
      "blocks.1.hook_mlp_out",
    ]);
    assert.deepEqual(await names({ "dictionary.type": "skip_transcoder" }), [
      "blocks.0.mlp.hook_in",
      "> blocks.1.hook_mlp_out",
    ]);
    const pairs = {
      "dictionary.type": "clt",
      "model.hookpoints": ["blocks.1.mlp.hook_in", "blocks.2.mlp.hook_in"],
    };
    const two = ["blocks.1.mlp.hook_in", "blocks.2.mlp.hook_in"];
    const outs = ["> blocks.1.hook_mlp_out", "> blocks.2.hook_mlp_out"];
    assert.deepEqual(await names(pairs), [...two, ...outs]);
    assert.deepEqual(
      await names({ ...pairs, "model.hookpoints_out": ["blocks.*.hook_mlp_out"] }),
      [...two, ...outs],
    );
    await assert.rejects(
      names({ "dictionary.type": "clt" }),
      /^SdmError: Cannot pair hookpoints: there are 4 inputs and 2 outputs, one output for each/,
    );
    await assert.rejects(
      names({ ...pairs, "model.hookpoints_out": ["blocks.*.hook_resid_post"] }),
      /^SdmError: Cannot train on activation store ".*": "blocks\.\*\.hook_resid_post" means none/,
    );
    await assert.rejects(
      names({ "model.hookpoint": "blocks.*.mlp.hook_in" }),
      /type "topk" on 4 hookpoints \("blocks\.\*\.mlp\.hook_in"\): one is needed$/,
    );
    await assert.rejects(
      names({ "dictionary.type": "lorsa" }),
      /it was harvested without positions 0 and \d+ special or excluded tokens, all positions/,
    );
  }));

Deno.test("a store without targets says what a transcoder needs", () =>
  withFolder(async (folder) => {
    const out = join(folder, "store");
    const one = { ...TEXT, "model.hookpoint": "blocks.1.mlp.hook_in", "data.max_tokens": 2000 };
    const config = await configOf(one, "harvest");
    await harvestText({ config, out, overwrite: false }, { onProgress: silent });
    const values = { "data.activations": out, "dictionary.type": "transcoder" };
    await assert.rejects(
      opened(values, () => Promise.resolve()),
      /none of its points is marked as target of a dictionary, model.hookpoint_out is needed$/,
    );
  }));

Deno.test("the variance of the targets is measured where the loss divides by it", () =>
  opened({
    ...TEXT,
    "model.hookpoint": "blocks.1.mlp.hook_in",
    "model.hookpoint_out": "blocks.1.hook_mlp_out",
    "dictionary.type": "transcoder",
  }, async ({ batches, widths }) => {
    const names = {
      "model.hookpoint": "a",
      "model.hookpoint_out": "b",
      "dictionary.type": "transcoder",
    };
    const configWith = async (loss: string) => {
      const values = { ...TEXT, ...names, "train.loss": loss };
      return resolveDefaults(await configOf(values), widths);
    };
    const scales = [1, 3];
    assert.equal(await measureVariance(await configWith("fvu"), batches, scales), 1);
    const found = await measureVariance(await configWith("fixed_fvu"), batches, scales);
    const rows: number[] = [];
    for (let t = 0; t < batches.batchesPerEpoch; t++) {
      rows.push(...(await batches.batch(t)).points[1]);
    }
    const n = rows.length / 192;
    const mean = Array.from({ length: 192 }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += rows[i * 192 + j];
      return sum / n;
    });
    const squares = rows.reduce((sum, value, i) => sum + (value - mean[i % 192]) ** 2, 0);
    assert.ok(Math.abs(found / (9 * squares / rows.length) - 1) < 1e-9, `${found}`);
  }));

Deno.test("rows that are normalised one by one have no factor of their own", () =>
  opened({
    ...TEXT,
    "model.hookpoint": "blocks.1.hook_resid_post",
    "dictionary.normalize_activations": "token",
  }, async ({ batches, widths }) => {
    const { points: [rows] } = await batches.batch(0);
    for (let i = 0; i < 128; i++) {
      const norm = Math.hypot(...rows.subarray(i * 192, (i + 1) * 192));
      assert.ok(Math.abs(norm / Math.sqrt(192) - 1) < 1e-5, `${norm}`);
    }
    const values = { ...TEXT, "model.hookpoint": "x", "dictionary.normalize_activations": "token" };
    const config = resolveDefaults(await configOf(values), widths);
    assert.deepEqual(await measureScales(config, batches), [1]);
    assert.equal(batches.describe().row_norm, "token");
  }));
