// Every family with each of its activations and encoders: from a configuration over a store to a saved dictionary that
// opens again; and the same bits when a run of the family is stopped and resumed.
import assert from "assert";
import { join } from "node:path";
import { FAMILIES } from "../../lib/config/families.ts";
import { TYPES } from "../../lib/config/names.ts";
import type { StoreManifest } from "../../lib/data/store_manifest.ts";
import { writeJson } from "../../lib/files/atomic.ts";
import { writeSafetensors } from "../../lib/files/safetensors_write.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { readManifest } from "../../lib/train/manifest.ts";
import { withFolder } from "../files/folder.ts";
import { plantedRows } from "../models/planted.ts";
import { configOf, train } from "./runs.ts";

const D = 16, ROWS = 1024, CONTEXT = 16;

/** A store of two inputs and two targets, all positions of contexts of 16 tokens. */
async function layeredStore(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  const { x } = plantedRows({ rows: ROWS, d: D, count: 24, active: 3, offset: 1 });
  const matrices = [x, x.map((v) => 1 - v), x.map((v) => 2 * v), x.map((v) => v * v)];
  const points = ["a.0", "a.1", "b.0", "b.1"].map((name, i) => ({
    name,
    tap: name,
    role: i < 2 ? "input" : "target",
    d: D,
    dtype: "F32" as const,
  }));
  const written = await writeSafetensors(join(path, "shard-00000.safetensors"), [
    ...points.map(({ name }, i) => ({ name: `act.${name}`, shape: [ROWS, D], data: matrices[i] })),
    { name: "token", shape: [ROWS], data: Int32Array.from({ length: ROWS }, (_, i) => i % 7) },
    { name: "pos", shape: [ROWS], data: Uint32Array.from({ length: ROWS }, (_, i) => i % CONTEXT) },
  ]);
  const norm = { mean_l2: 1, rms: 1, max_abs: 1 };
  const manifest: StoreManifest = {
    format: "sdm-activations",
    version: 1,
    created: "2026-01-01T00:00:00.000Z",
    tool: "test",
    model: {},
    tokenizer: { special_ids: [3] },
    data: { id: "planted", ctx_len: CONTEXT },
    points,
    dropped: { positions: [], tokens: [] },
    rows: ROWS,
    order: "sequential",
    norm: Object.fromEntries(points.map(({ name }) => [name, norm])),
    shards: [{ file: "shard-00000.safetensors", rows: ROWS, first_row: 0, ...written }],
  };
  await writeJson(join(path, "manifest.json"), manifest);
}

const SMALL = {
  "dictionary.d_sae": 48,
  "train.training_tokens": 6 * 64,
  "train.batch_tokens": 64,
  "train.log_every": 2,
  "train.save_every": 3,
  "data.buffer_tokens": 256,
};

for (const type of TYPES) {
  const { activations, encoders } = FAMILIES[type];
  Deno.test(`${type}: trained, stopped, resumed, saved and opened, under each of its activations`, () =>
    withFolder(async (folder) => {
      const store = join(folder, "store");
      await layeredStore(store);
      for (const activation of activations.length ? activations : [undefined]) {
        for (const encoder of encoders.length ? encoders : [undefined]) {
          if (encoder === "pkm" && activation !== "topk") continue;
          const what = [type, activation, encoder].join(" ");
          const values: Record<string, unknown> = { ...SMALL, "dictionary.type": type };
          if (activation) values["dictionary.activation"] = activation;
          if (encoder) values["dictionary.encoder"] = encoder;
          if (activation?.includes("top") || activation === "groupmax" || !activation) {
            values["dictionary.k"] = 4;
          }
          const config = async (run: string) => await configOf(store, join(folder, run), values);
          const whole = await train(await config("whole"), { overwrite: true });
          assert.ok(whole.finished && Number.isFinite(whole.figures["loss/total"]), what);
          assert.ok(whole.figures["recon/fvu"] > 0, `${what}: ${whole.figures["recon/fvu"]}`);
          const { plan, peak_gpu_bytes } = await readManifest(join(folder, "whole"));
          assert.equal(peak_gpu_bytes, plan?.gpu_bytes, `${what}: memory as planned`);
          const { record } = await openDictionary(join(folder, "whole"));
          assert.equal(record.dSae, 48, what);
          if (activation !== activations[0] || encoder !== encoders[0]) continue;
          await train(await config("parts"), { stopAfterStep: 4 });
          const parts = await train(await config("parts"), { resume: true });
          assert.equal(parts.stateSha256, whole.stateSha256, what);
        }
      }
    }));
}
