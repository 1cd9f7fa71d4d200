/** Screened selections in whole models: they learn, they are the exact ones where nothing is left out, they resume. */
import assert from "assert";
import { SCREEN_AXES, type ScreenOptions } from "../../lib/blocks/coders/screened.ts";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { topk } from "../../lib/models/topk.ts";
import { principalAxes } from "../../lib/models/principal_axes.ts";
import { modelOptions, type TrainableModel } from "../../lib/models/types.ts";
import { loadCheckpoint, saveCheckpoint } from "../../lib/train/checkpoint.ts";
import { writeFirst } from "../../lib/train/start.ts";
import { withFolder } from "../files/folder.ts";
import { meanMaxCosine, plantedRows } from "./planted.ts";

const D = 20, LATENTS = 45, ACTIVE = 3, ROWS = 128, BATCHES = 24, STEPS = 400;

const planted = plantedRows({ rows: ROWS * BATCHES, d: D, count: 30, active: ACTIVE, offset: 0.5 });

/** A model with first values; k falls from twice its size. */
function open(gpu: Gpu, screen?: ScreenOptions): TrainableModel {
  const options = modelOptions({
    ...{ rows: ROWS, dIn: D, dSae: LATENTS, k: ACTIVE, kMax: 2 * ACTIVE, screen },
    ...{ auxkCoefficient: 1 / 32, kAux: 8, deadAfterTokens: 10 * ROWS },
  });
  const model = topk.build(gpu, options);
  const zero = [new Float32Array(D)];
  const sample = planted.x.subarray(0, 1024 * D);
  writeFirst(
    gpu,
    model,
    topk.initial(options, 5, { bDec: zero, meanInput: zero, sample, scales: [1] }),
  );
  return model;
}

/** Steps [first, end). */
function steps(gpu: Gpu, model: TrainableModel, first: number, end: number): void {
  for (let t = first; t < end; t++) {
    const at = (t % BATCHES) * ROWS * D;
    writeRows(gpu, model.inputs[0], planted.x.subarray(at, at + ROWS * D));
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.lr * 4, 0.01 * Math.min(1, (STEPS - t) / 150), true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, Math.max(ACTIVE, 2 * ACTIVE - Math.floor(t / 7)), true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
  }
}

async function metric(gpu: Gpu, { ring }: TrainableModel, name: string): Promise<number> {
  return (await readFloats(gpu, ring.buffer))[ring.fields.findIndex((f) => f.name === name)];
}

const RECALL = "sparsity/screen_recall";
const STATE = { input_scales: [1], config_sha256: "" };

async function withGpu(use: (gpu: Gpu) => Promise<void>): Promise<void> {
  const gpu = await openGpu();
  try {
    await use(gpu);
  } finally {
    gpu.close();
  }
}

Deno.test("a screened selection finds planted features, and says what it misses", () =>
  withGpu(async (gpu) => {
    const model = open(gpu, { dims: 12, factor: 2 });
    steps(gpu, model, 0, STEPS);
    const wDec = await readRows(gpu, model.parameters.find((p) => p.name === "W_dec")!.value);
    const cosine = meanMaxCosine(planted, wDec);
    assert.ok(cosine > 0.9, `mean largest cosine ${cosine}`);
    const recall = await metric(gpu, model, RECALL);
    assert.ok(recall > 0.6 && recall < 1, `recall ${recall}`);
  }));

Deno.test("along all axes, a screened selection trains to the bits of the exact one", () =>
  withGpu(async (gpu) => {
    const [exact, screened] = [open(gpu), open(gpu, { dims: D, factor: 3 })];
    for (const model of [exact, screened]) steps(gpu, model, 0, 30);
    for (const [i, { name, value }] of exact.parameters.entries()) {
      assert.deepEqual(
        await readRows(gpu, screened.parameters[i].value),
        await readRows(gpu, value),
        name,
      );
    }
    assert.equal(await metric(gpu, screened, RECALL), 1);
    assert.ok(!exact.ring.fields.some(({ name }) => name === RECALL));
  }));

Deno.test("a screened run goes on from its checkpoint to the same bits: its axes are in it", () =>
  withGpu((gpu) =>
    withFolder(async (folder) => {
      const screen = { dims: 8, factor: 2 };
      const whole = open(gpu, screen);
      steps(gpu, whole, 0, 17);
      await saveCheckpoint(folder, gpu, whole, { step: 17, ...STATE });
      steps(gpu, whole, 17, 30);
      const wanted = await saveCheckpoint(folder, gpu, whole, { step: 30, ...STATE });
      const again = open(gpu, screen);
      const axes = again.state.find(({ name }) => name === SCREEN_AXES)!;
      gpu.device.queue.writeBuffer(axes.buffer, 0, new Float32Array(axes.words));
      await loadCheckpoint(folder, 17, gpu, again);
      steps(gpu, again, 17, 30);
      const found = await saveCheckpoint(folder, gpu, again, { step: 31, ...STATE });
      assert.equal(found.sha256, wanted.sha256);
    })
  ));

Deno.test("principal axes are orthonormal and hold what the leading directions hold", () => {
  const d = 24, n = 3000, count = 8;
  const rows = new Float32Array(n * d);
  // Columns of known variance, mixed by a reflection, about a centre.
  const mirror = Float64Array.from({ length: d }, (_, j) => Math.sqrt(2 / d) * (j % 2 ? 1 : -1));
  const square = mirror.reduce((sum, v) => sum + v * v, 0);
  const noise = plantedRows({ rows: n, d, count: 300, active: 60, seed: 3 }).x;
  const means = Float64Array.from(
    { length: d },
    (_, j) => noise.reduce((sum, v, i) => i % d === j ? sum + v : sum, 0) / n,
  );
  for (let r = 0; r < n; r++) {
    const own = Float64Array.from(
      { length: d },
      (_, j) => (noise[r * d + j] - means[j]) * 0.8 ** j,
    );
    const along = own.reduce((sum, v, j) => sum + v * mirror[j], 0) * 2 / square;
    own.forEach((v, j) => rows[r * d + j] = v - along * mirror[j] + 5);
  }
  const axes = principalAxes(rows, d, count, new Float64Array(d).fill(5));
  const energy = (of: (r: number, a: number) => number) => {
    let sum = 0;
    for (let r = 0; r < n; r++) for (let a = 0; a < count; a++) sum += of(r, a) ** 2;
    return sum;
  };
  const dot = (a: number, b: (j: number) => number) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += axes[a * d + j] * b(j);
    return sum;
  };
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) {
      const product = dot(a, (j) => axes[b * d + j]);
      assert.ok(Math.abs(product - (a === b ? 1 : 0)) < 1e-12, `${a} · ${b} is ${product}`);
    }
  }
  const held = energy((r, a) => dot(a, (j) => rows[r * d + j] - 5));
  // The first columns before the reflection, which are about the best that there is.
  const best = energy((r, a) => (noise[r * d + a] - means[a]) * 0.8 ** a);
  assert.ok(held > 0.99 * best, `${held / best} of the squares`);
  // A centre that is not taken away is the first direction, and takes the place of another.
  const without = principalAxes(rows, d, 1);
  const mean = without.reduce((sum, v) => sum + v, 0) / Math.sqrt(d);
  assert.ok(Math.abs(mean) > 0.99, `${mean}`);
});
