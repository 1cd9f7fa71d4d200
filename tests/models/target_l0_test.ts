/** Steered penalties reach the number of active latents that is asked for, on rows that training has not seen. */
import assert from "assert";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import { familyOf } from "../../lib/models/mod.ts";
import { type ModelOptions, modelOptions, type TrainableModel } from "../../lib/models/types.ts";
import { type Planted, plantedRows } from "./planted.ts";

const D = 16, ROWS = 256, LATENTS = 40, BATCHES = 12, STEPS = 500, HELD_OUT = 1024;

function optionsFor(type: string, goal: number): ModelOptions {
  const { defaults } = familyOf(type);
  return modelOptions({
    ...defaults,
    rows: ROWS,
    dIn: D,
    dSae: LATENTS,
    k: 1,
    deadAfterTokens: 10 * ROWS,
    ringSlots: STEPS,
    penalty: { ...defaults.penalty!, targetL0: goal, steerSteps: STEPS / 50 },
    thresholds: defaults.thresholds && { ...defaults.thresholds, window: 0.5 },
  });
}

/** Trains on all but the last rows; the weight of the penalty begins where `start` says, times its usual one. */
async function train(
  gpu: Gpu,
  type: string,
  options: ModelOptions,
  { x }: Planted,
  start: number,
): Promise<TrainableModel> {
  const family = familyOf(type);
  const model = family.build(gpu, options);
  const values = family.initial(options, 3, {
    bDec: [new Float32Array(D)],
    meanInput: [new Float32Array(D)],
    sample: x.subarray(0, ROWS * D),
    scales: [1],
  });
  for (const { name, value } of model.parameters) writeRows(gpu, value, values.get(name)!);
  for (let t = 0; t < STEPS; t++) {
    const at = (t % BATCHES) * ROWS * D;
    writeRows(gpu, model.space.x, x.subarray(at, at + ROWS * D));
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    const float = (word: number, value: number) => words.setFloat32(word * 4, value, true);
    float(STEP.lr, 0.004 * Math.min(1, (STEPS - t) / 100));
    float(STEP.correction1, 1 / (1 - options.adam.beta1 ** (t + 1)));
    float(STEP.correction2, 1 / (1 - options.adam.beta2 ** (t + 1)));
    float(STEP.coefficient, start * options.penalty!.coefficient * Math.min(1, (t + 1) / 25));
    float(STEP.preActCoefficient, 1e-3);
    words.setUint32(STEP.number * 4, t, true);
    words.setUint32(STEP.slot * 4, t, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
  }
  await readFloats(gpu, model.ring.buffer, 4);
  return model;
}

/** Mean number of active latents of the trained dictionary on rows [rows, D]. */
async function l0On(
  gpu: Gpu,
  type: string,
  options: ModelOptions,
  model: TrainableModel,
  rows: Float32Array,
): Promise<number> {
  const values = new Map<string, Float32Array>();
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  const record = familyOf(type).record(options, values, new Map());
  const dictionary = loadDictionary(gpu, record, HELD_OUT);
  const { latent } = await dictionary.run([rows]);
  return latent.length / HELD_OUT;
}

async function course(gpu: Gpu, model: TrainableModel, metric: string): Promise<number[]> {
  const { buffer, fields } = model.ring;
  const all = await readFloats(gpu, buffer, STEPS * fields.length);
  const place = fields.findIndex(({ name }) => name === metric);
  return Array.from({ length: STEPS }, (_, t) => all[t * fields.length + place]);
}

for (const [type, goal, start] of [["relu", 6, 1], ["jumprelu", 4, 1], ["gated", 5, 10]] as const) {
  Deno.test(`${type}: steered to an L0 of ${goal}, which held-out rows have within 5 %`, async () => {
    const gpu = await openGpu();
    try {
      const planted = plantedRows({
        rows: ROWS * BATCHES + HELD_OUT,
        d: D,
        count: 30,
        active: 4,
        offset: 0.5,
      });
      const options = optionsFor(type, goal);
      const model = await train(gpu, type, options, planted, start);
      const l0 = await l0On(gpu, type, options, model, planted.x.subarray(ROWS * BATCHES * D));
      assert.ok(Math.abs(l0 / goal - 1) < 0.05, `L0 is ${l0}`);
      const coefficients = await course(gpu, model, "sparsity/coefficient");
      assert.ok(coefficients.every((c) => c > 0), "a coefficient in every step");
      const most = Math.max(...coefficients), least = Math.min(...coefficients.slice(25));
      assert.ok(most / least > 1.5, `it moved between ${least} and ${most}`);
      const fvu = await course(gpu, model, "recon/fvu");
      assert.ok(fvu[STEPS - 1] < 0.35, `FVU ${fvu[STEPS - 1]}`);
    } finally {
      gpu.close();
    }
  });
}
