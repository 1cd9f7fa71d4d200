/** What is special about low-rank sparse attention as a family: every gate on it, folding, its start. */
import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import type { AttentionSource } from "../../lib/models/attention_source.ts";
import { foldScales } from "../../lib/models/fold.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import { lorsa, usualAttention } from "../../lib/models/lorsa.ts";
import type { LorsaRecord } from "../../lib/models/record.ts";
import { type ModelOptions, modelOptions, type StartFacts } from "../../lib/models/types.ts";
import { forwardLorsa } from "../../lib/reference/forward_lorsa.ts";

const [D, O, LATENTS, ROWS, CONTEXT, K] = [16, 12, 48, 96, 12, 5];

function normals(count: number, seed: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  new RandomStream(seed, "lorsa test").fillNormal(0, out);
  return out;
}

const facts: StartFacts = {
  bDec: [normals(O, 1).map((v) => v / 10)],
  meanInput: [new Float32Array(D)],
  sample: normals(ROWS * D, 2),
  scales: [1, 1],
};

const optionsOf = (more: Partial<ModelOptions>): ModelOptions =>
  modelOptions({
    ...lorsa.defaults,
    rows: ROWS,
    dIn: D,
    dOut: O,
    dSae: LATENTS,
    k: K,
    context: CONTEXT,
    // As for an input of 8 numbers, but with three heads and norms.
    attention: { ...usualAttention({ dIn: 8, dSae: LATENTS }), heads: 3, norms: true },
    ...more,
  });

/** Rows of a target that depends on the token before. */
function targetOf(x: Float32Array): Float32Array {
  const map = normals(O * D, 3);
  return Float32Array.from({ length: ROWS * O }, (_, i) => {
    const [r, j] = [Math.floor(i / O), i % O];
    const from = r % CONTEXT === 0 ? r : r - 1;
    let sum = 0;
    for (let c = 0; c < D; c++) sum += map[j * D + c] * x[from * D + c];
    return sum / 2;
  });
}

interface Outcome {
  fvu: number[];
  record: LorsaRecord;
}

/** Some steps on one batch. */
async function train(gpu: Gpu, options: ModelOptions, steps: number): Promise<Outcome> {
  const model = lorsa.build(gpu, options);
  const first = lorsa.initial(options, 4, facts);
  for (const { name, value } of model.parameters) writeRows(gpu, value, first.get(name)!);
  const x = normals(ROWS * D, 5);
  writeRows(gpu, model.inputs[0], x);
  writeRows(gpu, model.inputs[1], targetOf(x));
  const place = model.ring.fields.findIndex((f) => f.name === "recon/fvu");
  const fvu: number[] = [];
  for (let t = 0; t < steps; t++) {
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.lr * 4, 0.01, true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, K, true);
    words.setUint32(STEP.batchK * 4, K * ROWS, true);
    words.setUint32(STEP.track * 4, 1, true);
    words.setUint32(STEP.number * 4, t, true);
    words.setFloat32(STEP.coefficient * 4, 0.01, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
    if (t === 0 || t === steps - 1) fvu.push((await readFloats(gpu, model.ring.buffer))[place]);
  }
  const values = new Map<string, Float32Array>();
  for (const { name, value } of model.parameters) values.set(name, await readRows(gpu, value));
  const state = new Map<string, Float32Array>();
  for (const s of model.state) state.set(s.name, await readFloats(gpu, s.buffer, s.words));
  gpu.check();
  return { fvu, record: lorsa.record(options, values, state) as LorsaRecord };
}

/** Largest difference in units of the largest number. */
function relative(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.equal(got.length, wanted.length);
  let worst = 0, scale = 1e-30;
  for (let i = 0; i < wanted.length; i++) {
    worst = Math.max(worst, Math.abs(got[i] - wanted[i]));
    scale = Math.max(scale, Math.abs(wanted[i]));
  }
  return worst / scale;
}

for (const activation of ["topk", "batchtopk", "relu", "jumprelu"] as const) {
  Deno.test(`lorsa under ${activation} learns, and its record runs as the reference does`, async () => {
    const gpu = await openGpu();
    try {
      const { fvu, record } = await train(gpu, optionsOf({ activation }), 60);
      assert.ok(fvu[1] < 0.7 * fvu[0], `FVU ${fvu}`);
      assert.equal(record.activation.name, activation);
      const dictionary = loadDictionary(gpu, record, 5 * CONTEXT + 3);
      assert.deepEqual([dictionary.maxRows, dictionary.rowUnit], [5 * CONTEXT, CONTEXT]);
      // Fewer sequences than fit: those behind do not matter.
      const x = normals(3 * CONTEXT * D, 6);
      const code = await dictionary.run([x, normals(3 * CONTEXT * O, 7)], true);
      const wanted = forwardLorsa(record, x);
      const latents = new Float64Array(wanted.latents.length);
      for (let r = 0; r < code.rows; r++) {
        for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
          latents[r * LATENTS + code.latent[e]] = code.value[e];
        }
      }
      assert.ok(code.latent.length > code.rows, `${code.latent.length} entries`);
      assert.ok(relative(latents, wanted.latents) < 1e-4);
      assert.ok(relative(code.recon![0], wanted.reconstruction) < 1e-4);
    } finally {
      gpu.close();
    }
  });
}

/** Gradients and figures of one step on a batch of which some rows do not count. */
async function maskedStep(gpu: Gpu, options: ModelOptions, x: Float32Array, y: Float32Array) {
  const model = lorsa.build(gpu, options);
  const first = lorsa.initial(options, 4, facts);
  for (const { name, value } of model.parameters) writeRows(gpu, value, first.get(name)!);
  writeRows(gpu, model.inputs[0], x);
  writeRows(gpu, model.inputs[1], y);
  const mask = Float32Array.from({ length: ROWS }, (_, r) => LEFT_OUT(r) ? 0 : 1);
  gpu.device.queue.writeBuffer(model.space.mask!, 0, mask);
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  const leftOut = mask.filter((count) => count === 0).length;
  words.setUint32(STEP.k * 4, K, true);
  words.setUint32(STEP.batchK * 4, K * (ROWS - leftOut), true);
  words.setFloat32(STEP.coefficient * 4, 0.02, true);
  words.setUint32(STEP.leftOut * 4, leftOut, true);
  gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
  submit(gpu, model.step);
  const figures = await readFloats(gpu, model.ring.buffer, model.ring.fields.length);
  const gradients = new Map<string, Float32Array>();
  for (const { name, grad } of model.parameters) gradients.set(name, await readRows(gpu, grad));
  return {
    figures: new Map(model.ring.fields.map(({ name }, i) => [name, figures[i]])),
    gradients,
    record: lorsa.record(options, first) as LorsaRecord,
  };
}

/** The first position of every sequence, and one more. */
const LEFT_OUT = (row: number) => row % CONTEXT === 0 || row === 2 * CONTEXT + 5;

Deno.test("rows that do not count are keys of others, but have no code, no loss and no gradient", async () => {
  const gpu = await openGpu();
  try {
    const x = normals(ROWS * D, 5);
    const y = targetOf(x);
    for (const activation of ["topk", "batchtopk", "relu"] as const) {
      const options = optionsOf({ activation, loss: "sum_mean", auxkCoefficient: 1 / 32, kAux: 3 });
      const plain = await maskedStep(gpu, options, x, y);
      // What such rows should have been is never looked at.
      const other = y.map((v, i) => LEFT_OUT(Math.floor(i / O)) ? 1000 : v);
      assert.deepEqual(await maskedStep(gpu, options, x, other), plain);
      // What they are is: others attend to them.
      const moved = x.map((v, i) => LEFT_OUT(Math.floor(i / D)) ? -v : v);
      assert.notDeepEqual((await maskedStep(gpu, options, moved, y)).gradients, plain.gradients);
      if (activation !== "topk") continue;
      const { latents, reconstruction } = forwardLorsa(plain.record, x);
      const counts = Array.from({ length: ROWS }, (_, r) => !LEFT_OUT(r));
      const counted = counts.filter((c) => c).length;
      const mean = new Float64Array(O);
      let entries = 0, error = 0, spread = 0;
      counts.forEach((c, r) => {
        if (c) mean.forEach((_, j) => mean[j] += y[r * O + j] / counted);
      });
      counts.forEach((c, r) => {
        if (!c) return;
        for (let j = 0; j < O; j++) {
          error += (y[r * O + j] - reconstruction[r * O + j]) ** 2;
          spread += (y[r * O + j] - mean[j]) ** 2;
        }
        entries += latents.subarray(r * LATENTS, (r + 1) * LATENTS).filter((v) => v > 0).length;
      });
      const near = (name: string, wanted: number) => {
        const got = plain.figures.get(name)!;
        assert.ok(Math.abs(got / wanted - 1) < 1e-5, `${name} is ${got}, not ${wanted}`);
      };
      near("recon/fvu", error / spread);
      near("sparsity/l0", entries / counted);
      near("loss/total", error / counted);
      // ∂b_dec = -2 Σ residual / counted rows.
      const bias = new Float64Array(O);
      counts.forEach((c, r) => {
        if (!c) return;
        for (let j = 0; j < O; j++) {
          bias[j] -= 2 * (y[r * O + j] - reconstruction[r * O + j]) / counted;
        }
      });
      assert.ok(relative(plain.gradients.get("b_dec")!, bias) < 1e-5);
    }
  } finally {
    gpu.close();
  }
});

Deno.test("foldScales() of attention: the same latents of raw inputs, outputs in raw units", () => {
  const options = optionsOf({});
  const values = lorsa.initial(options, 8, facts);
  const noise = new Map([...values].map(([name, v], i) => [
    name,
    v.map((x, j) => x + normals(v.length, 20 + i)[j] / 5),
  ]));
  const [input, output] = [2.5, 0.4];
  const x = normals(2 * CONTEXT * D, 9);
  const raw = x.map((v) => v / input);
  for (const gateByDecoderNorm of [true, false]) {
    for (const name of ["topk", "jumprelu", "batchtopk"] as const) {
      const threshold = normals(LATENTS, 10).map(Math.abs);
      const activation = name === "jumprelu"
        ? { name, threshold }
        : name === "topk"
        ? { name, k: K }
        : { name, k: K, threshold: 0.4 };
      const trained = {
        ...lorsa.record(options, noise) as LorsaRecord,
        gateByDecoderNorm,
        activation,
      };
      const folded = foldScales(trained, [input, output]);
      const a = forwardLorsa(trained, x), b = forwardLorsa(folded, raw);
      assert.ok(a.latents.some((v) => v !== 0));
      assert.ok(relative(b.latents, a.latents) < 1e-5, `latents under ${name}`);
      const scaled = b.reconstruction.map((v) => v * output);
      assert.ok(relative(scaled, a.reconstruction) < 1e-5, `output under ${name}`);
    }
  }
});

Deno.test("lorsa starts at random, or from the model's attention as far as is asked", () => {
  const source: AttentionSource = {
    heads: 3,
    keyHeads: 3,
    width: 8,
    dIn: D,
    dOut: O,
    q: normals(24 * D, 11),
    k: normals(24 * D, 12),
    v: normals(24 * D, 13),
    o: normals(24 * O, 14),
    bQ: normals(24, 15),
    bK: normals(24, 16),
  };
  const attention = optionsOf({}).attention!;
  const given = { ...facts, scales: [2, 1], attention: source };
  const start = (how?: "queries" | "all", unitRows = false) =>
    lorsa.initial(optionsOf({ attention: { ...attention, start: how }, unitRows }), 3, given);
  const [plain, queries, all] = [start(), start("queries"), start("all")];
  assert.deepEqual(queries.get("W_Q"), source.q.map((v) => v / 2));
  assert.notDeepEqual(plain.get("W_Q"), queries.get("W_Q"));
  assert.deepEqual(queries.get("W_V"), plain.get("W_V"));
  assert.notDeepEqual(all.get("W_V"), plain.get("W_V"));
  assert.deepEqual(all.get("W_Q"), queries.get("W_Q"));
  assert.deepEqual(plain.get("b_dec"), facts.bDec[0]);
  const row = start(undefined, true).get("W_dec")!.subarray(O, 2 * O);
  assert.ok(Math.abs(row.reduce((sum, v) => sum + v * v, 0) - 1) < 1e-5);
});
