/** What every family must do, proved on the smallest instance; a new family gets all this for its line in the registry. */
import assert from "assert";
import { equalPrefixes } from "../../lib/blocks/decoders/prefix_plan.ts";
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
import type { TrainedRecord } from "../../lib/models/record.ts";
import {
  type ModelFamily,
  type ModelOptions,
  modelOptions,
  type TrainableModel,
} from "../../lib/models/types.ts";
import { loadCheckpoint, saveCheckpoint } from "../../lib/train/checkpoint.ts";
import { withFolder } from "../files/folder.ts";
import { forwardOf } from "./forward.ts";
import { found, type PlantedPoints, plantedPoints } from "./points.ts";

const D = 20, FEATURES = 30, LATENTS = 45, ACTIVE = 3, ROWS = 128;
const BATCHES = 24, STEPS = 500;

/** The smallest instance of a family where the usual one is too small to show what it is for. */
const SMALLEST: Readonly<Record<string, Partial<ModelOptions>>> = {
  // Nested dictionaries that are much smaller than the number of features merge them.
  matryoshka: { prefixes: equalPrefixes([22], LATENTS) },
};

const optionsOf = ({ type, defaults }: ModelFamily): ModelOptions =>
  modelOptions({
    ...defaults,
    ...SMALLEST[type],
    rows: ROWS,
    dIn: D,
    dSae: LATENTS,
    k: ACTIVE,
    kMax: 2 * ACTIVE,
    auxkCoefficient: 1 / 32,
    kAux: 8,
    deadAfterTokens: 10 * ROWS,
    // A weight that suits rows of this size is found on the way; so is the width of a window around thresholds.
    penalty: defaults.penalty && { ...defaults.penalty, targetL0: ACTIVE, steerSteps: STEPS / 50 },
    thresholds: defaults.thresholds && { ...defaults.thresholds, window: 0.5 },
  });

/** A family on a device with rows to train on. */
interface Trial {
  gpu: Gpu;
  family: ModelFamily;
  options: ModelOptions;
  data: PlantedPoints;
  model: TrainableModel;
}

async function open(family: ModelFamily): Promise<Trial> {
  const gpu = await openGpu();
  const options = optionsOf(family);
  const shape = { rows: ROWS * BATCHES, d: D, count: FEATURES, active: ACTIVE, offset: 0.5 };
  const data = plantedPoints(family, options, shape);
  const trial = { gpu, family, options, data, model: family.build(gpu, options) };
  const values = family.initial(options, 5, {
    bDec: data.planted.map(() => new Float32Array(D)),
    meanInput: data.planted.map(() => new Float32Array(D)),
    sample: data.points[0].subarray(0, 1024 * D),
    scales: data.points.map(() => 1),
  });
  for (const { name, value } of trial.model.parameters) {
    writeRows(gpu, value, values.get(name) as Float32Array);
  }
  return trial;
}

/** Steps [first, end): k falls from its largest value over the first twenty. */
function steps({ gpu, data, options }: Trial, model: TrainableModel, first: number, end: number) {
  for (let t = first; t < end; t++) {
    const at = (t % BATCHES) * ROWS * D;
    model.inputs.forEach((rows, i) =>
      writeRows(gpu, rows, data.points[i].subarray(at, at + ROWS * D))
    );
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    const k = Math.max(ACTIVE, 2 * ACTIVE - Math.floor(t / 7));
    words.setFloat32(STEP.lr * 4, 0.01 * Math.min(1, (STEPS - t) / 150), true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - options.adam.beta1 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - options.adam.beta2 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, k, true);
    words.setUint32(STEP.batchK * 4, k * ROWS, true);
    words.setUint32(STEP.track * 4, k === ACTIVE ? 1 : 0, true);
    const rise = Math.min(1, (t + 1) / 25);
    words.setFloat32(STEP.coefficient * 4, rise * (options.penalty?.coefficient ?? 0), true);
    words.setFloat32(STEP.exponent * 4, 1, true);
    words.setFloat32(STEP.nextExponent * 4, 1, true);
    words.setFloat32(STEP.preActCoefficient * 4, options.preAct ? 1e-3 : 0, true);
    words.setUint32(STEP.number * 4, t, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    model.beforeStep?.(t);
    submit(gpu, model.step);
  }
}

async function fvu({ gpu, model }: Trial): Promise<number> {
  const place = model.ring.fields.findIndex((f) => f.name === "recon/fvu");
  return (await readFloats(gpu, model.ring.buffer))[place];
}

async function recordOf({ gpu, family, options, model }: Trial): Promise<TrainedRecord> {
  const values = new Map<string, Float32Array>();
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  const state = new Map<string, Float32Array>();
  for (const { name, buffer, words } of model.state) {
    state.set(name, await readFloats(gpu, buffer, words));
  }
  return family.record(options, values, state);
}

/** How well the planted features are found by the decoder rows of what is trained so far. */
async function foundBy(trial: Trial): Promise<number> {
  const record = await recordOf(trial);
  const { wDec } = record;
  const decoders = wDec instanceof Float32Array ? [wDec] : wDec;
  return found(trial.data, decoders, "wSkip" in record ? record.wSkip : undefined);
}

const STATE = { input_scales: [1], config_sha256: "" };

for (const family of FAMILIES) {
  Deno.test(`${family.type}: the loss falls within thirty steps, and planted features are found`, async () => {
    const trial = await open(family);
    const { model } = trial;
    try {
      steps(trial, model, 0, 1);
      const first = await fvu(trial);
      steps(trial, model, 1, 30);
      const later = await fvu(trial);
      assert.ok(later < 0.8 * first, `FVU ${first} at first, ${later} after thirty steps`);
      const before = await foundBy(trial);
      steps(trial, model, 30, STEPS);
      const after = await foundBy(trial);
      // The rows of an encoder on a grid cannot each point where they like.
      const least = trial.options.encoder === "dense" ? 0.9 : 0.8;
      assert.ok(before < least && after > least, `mean largest cosine ${before}, then ${after}`);
    } finally {
      trial.gpu.close();
    }
  });

  Deno.test(`${family.type}: a model loaded from its checkpoint goes on to the same bits`, () =>
    withFolder(async (folder) => {
      const trial = await open(family);
      const { gpu, model: whole, options } = trial;
      try {
        steps(trial, whole, 0, 17);
        const early = await saveCheckpoint(folder, gpu, whole, { step: 17, ...STATE });
        steps(trial, whole, 17, 30);
        const wanted = await saveCheckpoint(folder, gpu, whole, { step: 30, ...STATE });

        const again = family.build(gpu, options);
        await loadCheckpoint(folder, 17, gpu, again);
        assert.equal(
          (await saveCheckpoint(folder, gpu, again, { step: 18, ...STATE })).sha256,
          early.sha256,
        );
        steps(trial, again, 17, 30);
        const found = await saveCheckpoint(folder, gpu, again, { step: 31, ...STATE });
        assert.equal(found.sha256, wanted.sha256);
        assert.notEqual(early.sha256, wanted.sha256);

        const wider = family.build(gpu, { ...options, dIn: D + 4, dOut: D + 4 });
        await assert.rejects(loadCheckpoint(folder, 17, gpu, wider), {
          name: "SdmError",
          message: /tensor "\w+" has \d+ elements, this configuration needs \d+$/,
        });
      } finally {
        gpu.close();
      }
    }));

  Deno.test(`${family.type}: the saved dictionary is the trained one, and the GPU runs it as the reference does`, () =>
    withFolder(async (folder) => {
      const trial = await open(family);
      const { gpu, data, model } = trial;
      try {
        steps(trial, model, 0, 60);
        const trained = await recordOf(trial);
        const provenance = { hookpoint: "blocks.0.hook_resid_post" };
        const record = await saveDictionary(`${folder}/final`, trained, provenance);
        const opened = (await openDictionary(`${folder}/final`)).record;
        assert.deepEqual({ ...opened }, { ...record });
        sameFunction(opened, trained, data.points);
        const entries = await compareWithReference(gpu, opened, data.points);
        assert.ok(entries > 300, `${entries} entries`);
      } finally {
        gpu.close();
      }
    }));
}

/** What is saved may have other units for its latents, but reconstructs the same. */
function sameFunction(a: TrainedRecord, b: TrainedRecord, points: readonly Float32Array[]): void {
  const rows = points.map((x) => x.subarray(0, 64 * D));
  const wanted = forwardOf(b, rows).recon;
  forwardOf(a, rows).recon.forEach((recon, t) =>
    recon.forEach((v, i) => assert.ok(Math.abs(v - wanted[t][i]) < 1e-5, `${v}, ${wanted[t][i]}`))
  );
}

/** Runs 320 rows in calls of at most 128, the last one shorter; gives the number of entries. */
async function compareWithReference(
  gpu: Gpu,
  record: TrainedRecord,
  points: readonly Float32Array[],
): Promise<number> {
  const dictionary = loadDictionary(gpu, record, 128);
  const all = points.map((x) => x.subarray(0, 320 * D));
  const wanted = forwardOf(record, all);
  const { latents } = dictionary;
  assert.deepEqual(dictionary.widths, points.map(() => D));
  let worst = 0, entries = 0;
  for (let first = 0; first < 320; first += 128) {
    const part = all.map((x) => x.subarray(first * D, Math.min(320, first + 128) * D));
    const code = await dictionary.run(part, true);
    assert.equal(code.rows, part[0].length / D);
    const dense = new Float64Array(code.rows * latents);
    for (let r = 0; r < code.rows; r++) {
      for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
        assert.ok(code.value[e] > 0);
        assert.ok(e === code.rowStart[r] || code.latent[e] > code.latent[e - 1], "ascending");
        dense[r * latents + code.latent[e]] = code.value[e];
      }
    }
    entries += code.latent.length;
    const values = wanted.latents.subarray(first * latents);
    dense.forEach((v, i) => worst = Math.max(worst, Math.abs(v - values[i])));
    const targets = part.slice(points.length === 1 ? 0 : points.length / 2);
    targets.forEach((target, t) => {
      const recon = wanted.recon[t].subarray(first * D);
      code.recon![t].forEach((v, i) => worst = Math.max(worst, Math.abs(v - recon[i])));
      checkSums(code.stats[t], target, recon);
    });
  }
  assert.ok(worst < 1e-5, `largest difference ${worst}`);
  return entries;
}

/** The sums of each row: |r|², |y|², x·y, |x|². */
function checkSums(stats: Float32Array, target: Float32Array, recon: Float64Array): void {
  for (let r = 0; r < target.length / D; r++) {
    const sums = [0, 0, 0, 0];
    for (let j = 0; j < D; j++) {
      const a = target[r * D + j], b = recon[r * D + j];
      [(a - b) ** 2, b * b, a * b, a * a].forEach((v, i) => sums[i] += v);
    }
    const own = stats.subarray(r * STATS);
    const found = [own[0], own[2], own[3], own[4]];
    found.forEach((v, i) =>
      assert.ok(Math.abs(v - sums[i]) < 1e-4 * Math.max(1, sums[i]), `row ${r}: ${found}, ${sums}`)
    );
  }
}

Deno.test("every family has a name of its own, and an unknown name brings the nearest", () => {
  assert.equal(new Set(FAMILIES.map(({ type }) => type)).size, FAMILIES.length);
  assert.ok(FAMILIES.length > 0 && FAMILIES.every(({ doc }) => doc.length > 20));
  assert.equal(familyOf("topk").type, "topk");
  assert.throws(() => familyOf("tpok"), {
    name: "SdmError",
    message: `Cannot build a dictionary of type "tpok": known types are ${
      FAMILIES.map((f) => f.type).join(", ")
    }`,
    hint: /^did you mean "topk"/,
  });
});
