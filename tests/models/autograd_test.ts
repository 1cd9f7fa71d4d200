/**
 * Loss and gradients of one step of every family, against PyTorch's autograd in float64 (`tests/peers/autograd_cases.py`
 * writes the cases). The whole step runs with a learning rate of zero; gradients are read from where the optimiser
 * would find them.
 */
import assert from "assert";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { FAMILIES, familyOf } from "../../lib/models/mod.ts";
import type { TrainableModel } from "../../lib/models/types.ts";
import { type AutogradCase, optionsOf, parameterNames } from "./autograd.ts";

/** Largest error of a gradient, relative to the largest gradient of its parameter. */
const TOLERANCE = 1e-4;

const folder = new URL("../golden/autograd/", import.meta.url);

async function readCases(): Promise<AutogradCase[]> {
  const cases: AutogradCase[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    cases.push(JSON.parse(await Deno.readTextFile(new URL(name, folder))));
  }
  return cases.sort((a, b) => a.name < b.name ? -1 : 1);
}

function writeStep(gpu: Gpu, model: TrainableModel, step: Readonly<Record<string, number>>): void {
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  words.setFloat32(STEP.correction1 * 4, 10, true);
  words.setFloat32(STEP.correction2 * 4, 1000, true);
  for (const [name, value] of Object.entries(step)) {
    const at = STEP[name as keyof typeof STEP] * 4;
    if (name === "k" || name === "batchK") words.setUint32(at, value, true);
    else words.setFloat32(at, value, true);
  }
  gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
}

function setUp(gpu: Gpu, given: AutogradCase): TrainableModel {
  const options = optionsOf(given);
  const model = familyOf(given.type).build(gpu, options);
  const names = parameterNames(given);
  for (const { name, value } of model.parameters) {
    const values = names.get(name);
    assert.ok(values, `"${name}" has values in the case`);
    writeRows(gpu, value, Float32Array.from(values.parameter));
  }
  given.points.forEach((x, i) => writeRows(gpu, model.inputs[i], Float32Array.from(x)));
  // Latents that the case calls dead have not fired for long.
  const since = model.state.find((s) => s.name === "since_fired")!;
  const counts = new Uint32Array(since.words);
  for (const latent of given.dead) counts[latent] = options.deadAfterTokens;
  gpu.device.queue.writeBuffer(since.buffer, 0, counts);
  writeStep(gpu, model, given.step);
  return model;
}

/** Runs the step; gives the largest relative error of a gradient. */
async function check(gpu: Gpu, given: AutogradCase): Promise<number> {
  const model = setUp(gpu, given);
  submit(gpu, model.step);
  const row = await readFloats(gpu, model.ring.buffer, model.ring.fields.length);
  const found = Object.fromEntries(model.ring.fields.map(({ name }, i) => [name, row[i]]));
  const wanted: Record<string, number> = { ...given.metrics, "loss/total": given.loss };
  for (const [name, value] of Object.entries(wanted)) {
    const off = Math.abs(found[name] - value);
    assert.ok(off <= 1e-5 * Math.max(1, Math.abs(value)), `${name}: ${found[name]}, not ${value}`);
  }
  let worst = 0;
  for (const { name, grad } of model.parameters) {
    const expected = parameterNames(given).get(name)!.gradient;
    const got = await readRows(gpu, grad);
    assert.equal(got.length, expected.length, name);
    const scale = Math.max(1e-12, ...expected.map(Math.abs));
    const errors = expected.map((g, i) => Math.abs(g - got[i]) / scale);
    const at = errors.reduce((best, e, i) => e > errors[best] ? i : best, 0);
    assert.ok(
      errors[at] <= TOLERANCE,
      `gradient ${at} of ${name} is ${got[at]}, not ${expected[at]} (relative ${errors[at]})`,
    );
    worst = Math.max(worst, errors[at]);
  }
  return worst;
}

for (const given of await readCases()) {
  Deno.test(`${given.name}: loss and all gradients are those of autograd`, async () => {
    for (const subgroups of ["auto", "off"] as const) {
      const gpu = await openGpu({ subgroups });
      try {
        await check(gpu, given);
      } finally {
        gpu.close();
      }
    }
  });
}

Deno.test("there is a case for every family", async () => {
  const types = new Set((await readCases()).map((c) => c.type));
  assert.deepEqual(FAMILIES.map((f) => f.type).filter((type) => !types.has(type)), []);
});
