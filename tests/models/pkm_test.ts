/** What is special about product keys as an encoder; what all families must do is in every_model_test.ts. */
import assert from "assert";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { saveDictionary } from "../../lib/interop/save.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { expandKeys } from "../../lib/models/encoders/product_keys.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import { familyOf } from "../../lib/models/mod.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { type ModelOptions, modelOptions } from "../../lib/models/types.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { pkmForward } from "../../lib/reference/product_keys.ts";
import { withFolder } from "../files/folder.ts";
import { matrix, vector } from "../kernels/samples.ts";

const D = 12, ROWS = 64, LATENTS = 36, K = 6;

function optionsFor(type: string, more: Partial<ModelOptions> = {}): ModelOptions {
  return modelOptions({
    ...familyOf(type).defaults,
    rows: ROWS,
    dIn: D,
    dSae: LATENTS,
    k: K,
    encoder: "pkm",
    ...more,
  });
}

const FACTS = {
  bDec: [Float32Array.from({ length: D }, (_, j) => j / 10)],
  meanInput: [new Float32Array(D)],
  sample: new Float32Array(D),
  scales: [1, 1],
};

Deno.test("expandKeys() of one head is a dense encoder with the same code", () => {
  const shape = { m1: 5, m2: 7, latents: 33, heads: 1 };
  const weights = {
    keys: matrix(12, D, { seed: 1 }),
    keyBias: vector(12, { seed: 2 }),
    latentBias: vector(33, { seed: 3 }),
  };
  const x = matrix(50, D, { seed: 4 });
  const { code } = pkmForward(x, weights, shape, K);
  const flat = (rows: readonly Float64Array[]) => Float32Array.from(rows.flatMap((r) => [...r]));
  const dense = expandKeys(
    shape,
    flat(weights.keys),
    Float32Array.from(weights.keyBias),
    Float32Array.from(weights.latentBias),
  );
  const { latents } = forwardRecord({
    ...dense,
    dIn: D,
    dOut: 1,
    dSae: 33,
    wDec: new Float32Array(33),
    bDec: new Float32Array(1),
    subtractBDec: false,
    gateByDecoderNorm: false,
    activation: { name: "topk", k: K },
  }, flat(x));
  code.forEach((row, r) => {
    const wanted = new Float64Array(33);
    for (const { latent, value } of row) wanted[latent] = value;
    wanted.forEach((v, f) => assert.ok(Math.abs(latents[r * 33 + f] - v) < 1e-5, `row ${r}`));
  });
});

Deno.test("first values: sub-keys within 1/(4 √d), decoder rows along the encoder's, zero for a transcoder", () => {
  const options = optionsFor("pkm", { keys: { heads: 2, bias: true } });
  const values = familyOf("pkm").initial(options, 3, FACTS);
  const get = (name: string) => values.get(name) as Float32Array;
  const keys = get("W_keys");
  assert.equal(keys.length, 2 * 12 * D);
  const bound = 1 / (4 * Math.sqrt(D));
  const largest = Math.max(...keys.map(Math.abs));
  assert.ok(largest <= bound && largest > 0.95 * bound);
  assert.ok(Math.abs(keys.reduce((s, v) => s + v, 0) / keys.length) < bound / 5);
  for (const name of ["b_keys", "b_latent"]) assert.ok(get(name).every((v) => v === 0));
  const { wEnc } = expandKeys({ m1: 6, m2: 6, latents: LATENTS, heads: 2 }, keys, get("b_keys"));
  for (let f = 0; f < LATENTS; f++) {
    const [e, d] = [wEnc, get("W_dec")].map((w) => w.subarray(f * D, (f + 1) * D));
    assert.ok(Math.abs(Math.hypot(...d) - 1) < 1e-6);
    const cosine = e.reduce((s, v, j) => s + v * d[j], 0) / Math.hypot(...e);
    assert.ok(cosine > 1 - 1e-6, `cosine of latent ${f} is ${cosine}`);
  }
  assert.deepEqual(get("b_dec"), FACTS.bDec[0]);
  const transcoder = familyOf("skip_transcoder").initial(optionsFor("skip_transcoder"), 3, FACTS);
  for (const name of ["W_dec", "W_skip", "b_keys"]) {
    assert.ok(transcoder.get(name)!.every((v) => v === 0), name);
  }
  assert.ok(!transcoder.has("W_enc") && !transcoder.has("b_latent"));
});

interface Trained {
  record: DictionaryRecord;
  x: Float32Array;
  first: number;
  last: number;
}

/** Forty steps on rows of low rank, the targets a map of them where the family has targets. */
async function train(gpu: Gpu, type: string, options: ModelOptions): Promise<Trained> {
  const family = familyOf(type);
  const model = family.build(gpu, options);
  const values = family.initial(options, 3, FACTS);
  for (const { name, value } of model.parameters) {
    writeRows(gpu, value, values.get(name) as Float32Array);
  }
  const [parts, mix] = [matrix(ROWS, 4, { seed: 5 }), matrix(4, D, { seed: 6 })];
  const x = Float32Array.from(
    parts.flatMap((row) =>
      Array.from({ length: D }, (_, j) => row.reduce((s, v, i) => s + v * mix[i][j], 0))
    ),
  );
  writeRows(gpu, model.inputs[0], x);
  if (model.inputs.length > 1) writeRows(gpu, model.inputs[1], x.map((v) => Math.max(0, v)));
  const losses: number[] = [];
  for (let t = 0; t < 40; t++) {
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.lr * 4, 0.01, true);
    words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
    words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
    words.setUint32(STEP.k * 4, K, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
    if (t % 39 === 0) losses.push((await readFloats(gpu, model.ring.buffer, 1))[0]);
  }
  const trained = new Map<string, Float32Array>();
  for (const { name, value } of model.parameters) trained.set(name, await readRows(gpu, value));
  const record = family.record(options, trained) as DictionaryRecord;
  return { record, x, first: losses[0], last: losses[1] };
}

async function assertRuns(gpu: Gpu, record: DictionaryRecord, x: Float32Array): Promise<number> {
  const wanted = forwardRecord(record, x);
  const points = record.kind === "sae" ? [x] : [x, x];
  const code = await loadDictionary(gpu, record, ROWS).run(points, true);
  const latents = new Float64Array(wanted.latents.length);
  for (let r = 0; r < ROWS; r++) {
    for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
      latents[r * record.dSae + code.latent[e]] = code.value[e];
    }
  }
  latents.forEach((v, i) => assert.ok(Math.abs(v - wanted.latents[i]) < 1e-5, `latent ${i}`));
  code.recon![0].forEach((v, i) => assert.ok(Math.abs(v - wanted.reconstruction[i]) < 1e-4));
  return code.latent.length;
}

Deno.test("several heads with a bias a latent train, are saved as they are, and run as the reference does", () =>
  withFolder(async (folder) => {
    const gpu = await openGpu();
    try {
      const options = optionsFor("pkm", { dSae: 33, keys: { heads: 2, bias: true, m1: 6 } });
      const { record, x, first, last } = await train(gpu, "pkm", options);
      assert.ok(last < 0.8 * first, `loss ${first} at first, ${last} in the end`);
      assert.equal(record.activation.name, "product_keys");
      assert.ok(record.bEnc.some((b) => b !== 0));
      await saveDictionary(`${folder}/final`, record, { hookpoint: "blocks.0.hook_resid_post" });
      const opened = (await openDictionary(`${folder}/final`)).record as DictionaryRecord;
      assert.deepEqual({ ...opened }, { ...record });
      const entries = await assertRuns(gpu, opened, x);
      assert.ok(entries > ROWS, `${entries} entries`);
    } finally {
      gpu.close();
    }
  }));

Deno.test("a skip transcoder with product keys and a second code of 4 k learns a map", async () => {
  const gpu = await openGpu();
  try {
    const options = optionsFor("skip_transcoder", { multiTopk: true });
    const { record, x, first, last } = await train(gpu, "skip_transcoder", options);
    assert.ok(last < 0.5 * first, `loss ${first} at first, ${last} in the end`);
    assert.deepEqual(record.activation, { name: "topk", k: K });
    assert.equal(record.wEnc.length, LATENTS * D);
    await assertRuns(gpu, record, x);
  } finally {
    gpu.close();
  }
});

Deno.test("what product keys cannot do is refused", async () => {
  const gpu = await openGpu();
  const build = (more: Partial<ModelOptions>) => () =>
    familyOf("pkm").build(gpu, optionsFor("pkm", more));
  try {
    assert.throws(build({ activation: "relu" }), /activation is "relu", "topk" is needed/);
    assert.throws(build({ gateByDecoderNorm: true }), /gate looks at decoder norms/);
    assert.throws(build({ keys: { heads: 7, bias: false } }), /k is 6 for 7 heads/);
  } finally {
    gpu.close();
  }
});
