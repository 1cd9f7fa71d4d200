/** What every family must do, proved on the smallest instance; a new family gets all this for its line in the registry. */
import assert from "assert";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { saveDictionary } from "../../lib/interop/save.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { STATS } from "../../lib/kernels/residual_rows.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import { FAMILIES, familyOf } from "../../lib/models/mod.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import {
  type ModelFamily,
  type ModelOptions,
  modelOptions,
  type TrainableModel,
} from "../../lib/models/types.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { loadCheckpoint, saveCheckpoint } from "../../lib/train/checkpoint.ts";
import { withFolder } from "../files/folder.ts";
import { meanMaxCosine, plantedRows } from "./planted.ts";

const D = 20, FEATURES = 30, LATENTS = 45, ACTIVE = 3, ROWS = 128;
const BATCHES = 24;

const optionsOf = ({ defaults }: ModelFamily): ModelOptions =>
  modelOptions({
    ...defaults,
    rows: ROWS,
    dIn: D,
    dSae: LATENTS,
    k: ACTIVE,
    kMax: 2 * ACTIVE,
    auxkCoefficient: 1 / 32,
    kAux: 8,
    deadAfterTokens: 10 * ROWS,
  });

const START = {
  bDec: [new Float32Array(D)],
  meanInput: [new Float32Array(D)],
  sample: new Float32Array(D),
  scales: [1],
};

const planted = plantedRows({
  rows: ROWS * BATCHES,
  d: D,
  count: FEATURES,
  active: ACTIVE,
  offset: 0.5,
});

function start(gpu: Gpu, family: ModelFamily): TrainableModel {
  const model = family.build(gpu, optionsOf(family));
  const values = family.initial(optionsOf(family), 5, START);
  for (const { name, value } of model.parameters) {
    writeRows(gpu, value, values.get(name) as Float32Array);
  }
  return model;
}

/** Steps [first, end): k falls from its largest value over the first twenty. */
function steps(gpu: Gpu, model: TrainableModel, first: number, end: number): void {
  for (let t = first; t < end; t++) {
    const at = (t % BATCHES) * ROWS * D;
    writeRows(gpu, model.inputs[0], planted.x.subarray(at, at + ROWS * D));
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.lr * 4, 0.01 * Math.min(1, (500 - t) / 150), true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, Math.max(ACTIVE, 2 * ACTIVE - Math.floor(t / 7)), true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
  }
}

function place({ ring }: TrainableModel, name: string): number {
  return ring.fields.findIndex((f) => f.name === name);
}

async function fvu(gpu: Gpu, model: TrainableModel): Promise<number> {
  return (await readFloats(gpu, model.ring.buffer))[place(model, "recon/fvu")];
}

async function recordOf(
  gpu: Gpu,
  family: ModelFamily,
  model: TrainableModel,
): Promise<DictionaryRecord> {
  const values = new Map<string, Float32Array>();
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  return family.record(optionsOf(family), values);
}

const STATE = { input_scales: [1], config_sha256: "" };

for (const family of FAMILIES) {
  Deno.test(`${family.type}: the loss falls within thirty steps, and planted features are found`, async () => {
    const gpu = await openGpu();
    try {
      const model = start(gpu, family);
      steps(gpu, model, 0, 1);
      const first = await fvu(gpu, model);
      steps(gpu, model, 1, 30);
      const later = await fvu(gpu, model);
      assert.ok(later < 0.8 * first, `FVU ${first} at first, ${later} after thirty steps`);
      const before = meanMaxCosine(planted, (await recordOf(gpu, family, model)).wDec);
      steps(gpu, model, 30, 500);
      const found = meanMaxCosine(planted, (await recordOf(gpu, family, model)).wDec);
      assert.ok(before < 0.9 && found > 0.9, `mean largest cosine ${before}, then ${found}`);
    } finally {
      gpu.close();
    }
  });

  Deno.test(`${family.type}: a model loaded from its checkpoint goes on to the same bits`, () =>
    withFolder(async (folder) => {
      const gpu = await openGpu();
      try {
        const whole = start(gpu, family);
        steps(gpu, whole, 0, 17);
        const early = await saveCheckpoint(folder, gpu, whole, { step: 17, ...STATE });
        steps(gpu, whole, 17, 30);
        const wanted = await saveCheckpoint(folder, gpu, whole, { step: 30, ...STATE });

        const again = family.build(gpu, optionsOf(family));
        await loadCheckpoint(folder, 17, gpu, again);
        assert.equal(
          (await saveCheckpoint(folder, gpu, again, { step: 18, ...STATE })).sha256,
          early.sha256,
        );
        steps(gpu, again, 17, 30);
        const found = await saveCheckpoint(folder, gpu, again, { step: 31, ...STATE });
        assert.equal(found.sha256, wanted.sha256);
        assert.notEqual(early.sha256, wanted.sha256);

        const wider = family.build(gpu, { ...optionsOf(family), dSae: LATENTS + 1 });
        await assert.rejects(loadCheckpoint(folder, 17, gpu, wider), {
          name: "SdmError",
          message: /tensor "W_enc" has 900 elements, this configuration needs 920$/,
        });
      } finally {
        gpu.close();
      }
    }));

  Deno.test(`${family.type}: the saved dictionary is the trained one, and the GPU runs it as the reference does`, () =>
    withFolder(async (folder) => {
      const gpu = await openGpu();
      try {
        const model = start(gpu, family);
        steps(gpu, model, 0, 60);
        const record = await recordOf(gpu, family, model);
        await saveDictionary(`${folder}/final`, record, { hookpoint: "blocks.0.hook_resid_post" });
        const opened = (await openDictionary(`${folder}/final`)).record;
        assert.deepEqual({ ...opened }, { ...record });

        // 300 rows in calls of at most 128, the last one shorter.
        const dictionary = loadDictionary(gpu, opened, 128);
        const x = planted.x.subarray(0, 300 * D);
        const wanted = forwardRecord(opened, x);
        let worst = 0, entries = 0;
        for (let first = 0; first < 300; first += 128) {
          const part = x.subarray(first * D, Math.min(300, first + 128) * D);
          const code = await dictionary.run(part, true);
          assert.equal(code.rows, part.length / D);
          const dense = new Float64Array(code.rows * LATENTS);
          for (let r = 0; r < code.rows; r++) {
            for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
              assert.ok(code.value[e] > 0);
              assert.ok(e === code.rowStart[r] || code.latent[e] > code.latent[e - 1], "ascending");
              dense[r * LATENTS + code.latent[e]] = code.value[e];
            }
          }
          entries += code.latent.length;
          const latents = wanted.latents.subarray(first * LATENTS);
          const recon = wanted.reconstruction.subarray(first * D);
          dense.forEach((v, i) => worst = Math.max(worst, Math.abs(v - latents[i])));
          code.recon!.forEach((v, i) => worst = Math.max(worst, Math.abs(v - recon[i])));
          // The sums of each row: |r|², |y|², x·y, |x|².
          for (let r = 0; r < code.rows; r++) {
            const sums = [0, 0, 0, 0];
            for (let j = 0; j < D; j++) {
              const a = part[r * D + j], b = recon[r * D + j];
              [(a - b) ** 2, b * b, a * b, a * a].forEach((v, i) => sums[i] += v);
            }
            const own = code.stats.subarray(r * STATS);
            const found = [own[0], own[2], own[3], own[4]];
            found.forEach((v, i) =>
              assert.ok(Math.abs(v - sums[i]) < 1e-4, `row ${r}: ${found}, ${sums}`)
            );
          }
        }
        assert.ok(worst < 1e-5, `largest difference ${worst}`);
        assert.ok(entries > 300, `${entries} entries`);
      } finally {
        gpu.close();
      }
    }));
}

Deno.test("every family has a name of its own, and an unknown name brings the nearest", () => {
  assert.equal(new Set(FAMILIES.map(({ type }) => type)).size, FAMILIES.length);
  assert.ok(FAMILIES.length > 0 && FAMILIES.every(({ doc }) => doc.length > 20));
  assert.equal(familyOf("topk").type, "topk");
  assert.throws(() => familyOf("tpok"), {
    name: "SdmError",
    message: 'Cannot build a dictionary of type "tpok": known types are topk',
    hint: 'did you mean "topk"?',
  });
});
