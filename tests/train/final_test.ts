import assert from "assert";
import { join } from "node:path";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { STATS } from "../../lib/kernels/residual_rows.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { checkpointPath } from "../../lib/train/checkpoint.ts";
import { readManifest } from "../../lib/train/manifest.ts";
import { withFolder } from "../files/folder.ts";
import { plantedRows } from "../models/planted.ts";
import { configOf, EVENTFUL, POINT, train, writeStore } from "./runs.ts";

Deno.test("final/ takes activations as the model gives them: the input scale of training is folded in", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    // Rows ten times as long as a dictionary likes them.
    const { x, d } = plantedRows({ rows: 1024, d: 24, count: 40, active: 3, offset: 2 });
    await writeStore(store, x.map((v) => 10 * v), d);
    const values = { ...EVENTFUL, "train.training_tokens": 64 * 30, "optimizer.lr": 1e-2 };
    const { step } = await train(await configOf(store, run, values));

    const { input_scales: [scale] } = await readManifest(run);
    const rows = x.subarray(0, 64 * d).map((v) => 10 * v);
    let norms = 0;
    for (let r = 0; r < 1024; r++) {
      norms += Math.hypot(...x.subarray(r * d, (r + 1) * d)) * 10 / 1024;
    }
    assert.ok(Math.abs(scale * norms - Math.sqrt(d)) < 1e-3, "rows of mean norm √d are trained on");

    const { record, provenance } = await openDictionary(run);
    assert.ok(record.kind === "sae");
    assert.equal(provenance.hookpoint, POINT);
    assert.equal(provenance.inputScaleFolded, scale);
    assert.equal(provenance.figures?.step, step);
    using trained = await SafetensorsFile.open(
      join(checkpointPath(run, step), "state.safetensors"),
    );
    const scaled = {
      ...record,
      wEnc: await trained.readFloat32("W_enc"),
      bEnc: await trained.readFloat32("b_enc"),
      wDec: await trained.readFloat32("W_dec"),
      bDec: await trained.readFloat32("b_dec"),
    };
    const inside = forwardRecord(scaled, rows.map((v) => v * scale));
    const outside = forwardRecord(record, rows);
    assert.ok(record.bEnc.some((v) => Math.abs(v) > 1e-2), "there is something to fold");
    outside.latents.forEach((v, i) => assert.ok(Math.abs(v - inside.latents[i] / scale) < 1e-3));
    outside.reconstruction.forEach((v, i) =>
      assert.ok(Math.abs(v - inside.reconstruction[i] / scale) < 1e-3)
    );
    let error = 0;
    outside.reconstruction.forEach((v, i) => error += (v - rows[i]) ** 2);
    const size = rows.reduce((s, v) => s + v * v, 0);
    assert.ok(error < 0.4 * size, `${error / size} of the rows' squares is left`);
  }));

Deno.test("final/ of rows that were normalised one by one normalises them and brings its output back", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store"), run = join(folder, "run");
    const { x, d } = plantedRows({ rows: 1024, d: 24, count: 40, active: 3, offset: 2 });
    // Rows of many lengths, which a factor for all of them could not make equal.
    const uneven = x.map((v, i) => v * (1 + Math.floor(i / d) % 7));
    await writeStore(store, uneven, d);
    for (const how of ["token", "layer_norm"]) {
      const values = {
        ...EVENTFUL,
        "train.training_tokens": 60 * 64,
        "dictionary.k_anneal_steps": 10,
        "dictionary.normalize_activations": how,
      };
      await train(await configOf(store, run, values), { overwrite: true });
      const { record } = await openDictionary(run);
      assert.ok(record.kind === "sae" && record.rowNorm === how);
      const rows = uneven.slice(0, 100 * d);
      const wanted = forwardRecord(record, rows);
      const gpu = await openGpu();
      try {
        const { recon, stats, rowStart } = await loadDictionary(gpu, record).run([rows], true);
        recon![0].forEach((v, i) => assert.ok(Math.abs(v - wanted.reconstruction[i]) < 1e-2));
        assert.equal(rowStart.length, 101);
        let error = 0, size = 0, found = 0;
        wanted.reconstruction.forEach((v, i) => {
          error += (v - rows[i]) ** 2;
          size += rows[i] ** 2;
        });
        for (let row = 0; row < 100; row++) found += stats[0][row * STATS];
        assert.ok(Math.abs(found / error - 1) < 1e-3, `${found} ${error}`);
        assert.ok(error < 0.4 * size, `${error / size} of the squares of "${how}" rows is left`);
      } finally {
        gpu.close();
      }
    }
  }));
