import assert from "assert";
import { asJumprelu, calibrated, calibrateThreshold } from "../../lib/models/calibrate.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import type { CltRecord, DictionaryRecord } from "../../lib/models/record.ts";
import { whole } from "../kernels/device.ts";
import { vector } from "../kernels/samples.ts";

Deno.test("calibrateThreshold() lets exactly as many through, strictly, or the nearest number", () => {
  const above = (scores: number[], wanted: number) => {
    const threshold = calibrateThreshold(Float32Array.from(scores), wanted);
    return [threshold, scores.filter((s) => s > threshold).length];
  };
  // Architectures spec, section 3: of 3, 1, 2, 2, 2, 0.5 the value 2 lets one through.
  assert.deepEqual(above([3, 1, 2, 2, 2, 0.5], 1), [2, 1]);
  assert.deepEqual(above([3, 1, 2, 2, 2, 0.5], 4), [1, 4]);
  assert.deepEqual(above([3, 1, 2, 2, 2, 0.5], 5), [0.5, 5]);
  assert.deepEqual(above([3, 1, 2, 2, 2, 0.5], 6), [0, 6]);
  assert.deepEqual(above([3, 1, 2, 2, 2, 0.5], 9), [0, 6]);
  assert.deepEqual(above([3, 1], 0), [3, 0]);
  // Two of 3, 2, 2, 2, 1: one is nearer than four. Three: four is nearer.
  assert.deepEqual(above([2, 3, 2, 1, 2], 2), [2, 1]);
  assert.deepEqual(above([2, 3, 2, 1, 2], 3), [1, 4]);
  assert.deepEqual(above([2, 2, 2], 2), [0, 3]);
  assert.deepEqual(above([], 4), [0, 0]);
});

Deno.test("a calibrated record has k active latents a row", async () => {
  const gpu = await whole();
  const dIn = 12, dSae = 90, rows = 1500, k = 7;
  const f32 = (length: number, seed: number) => Float32Array.from(vector(length, { seed }));
  const base: DictionaryRecord = {
    kind: "sae",
    dIn,
    dOut: dIn,
    dSae,
    wEnc: f32(dSae * dIn, 1),
    bEnc: f32(dSae, 2),
    wDec: f32(dSae * dIn, 3).map((v, i) => v * (1 + Math.floor(i / dIn) % 3)),
    bDec: f32(dIn, 4),
    subtractBDec: true,
    gateByDecoderNorm: false,
    activation: { name: "batchtopk", k, threshold: 0 },
  };
  const x = f32(rows * dIn, 5);
  // Far too low, about right, far too high.
  for (const [threshold, byNorm] of [[0, false], [5, false], [5, true], [500, false]] as const) {
    const activation = { name: "batchtopk" as const, k, threshold };
    const record = await calibrated(gpu, { ...base, gateByDecoderNorm: byNorm, activation }, [x]);
    const dictionary = loadDictionary(gpu, record, rows);
    const { latent } = await dictionary.run([x]);
    // Norms are float64 on the host: a score that is equal to the threshold may fall on either side.
    const off = Math.abs(latent.length - k * rows);
    assert.ok(off <= (byNorm ? 1 : 0), `${threshold}: ${latent.length / rows} a row`);
  }
  // Rows that do not count have large scores: with them the threshold would be far too high.
  const mask = new Float32Array(rows).map((_, r) => r % 4 === 0 ? 0 : 1);
  const loud = x.map((v, i) => mask[Math.floor(i / dIn)] === 0 ? 50 * v : v);
  const activation = { name: "batchtopk" as const, k, threshold: 5 };
  const record = await calibrated(gpu, { ...base, activation }, [loud], mask);
  const code = await loadDictionary(gpu, record, rows).run([loud]);
  const active = mask.reduce(
    (n, count, r) => n + (count ? code.rowStart[r + 1] - code.rowStart[r] : 0),
    0,
  );
  assert.equal(active, k * mask.filter((count) => count === 1).length);
  const other = { ...base, activation: { name: "topk" as const, k } };
  assert.equal(await calibrated(gpu, other, [x]), other);
});

Deno.test("layers that select by themselves get a threshold each", async () => {
  const gpu = await whole();
  const dIn = 6, dSae = 40, rows = 900, k = 4, layers = 2;
  const f32 = (length: number, seed: number) => Float32Array.from(vector(length, { seed }));
  const base: CltRecord = {
    kind: "clt",
    layers,
    dIn,
    dOut: dIn,
    dSae,
    // The second layer's scores are ten times as large: one threshold would not do for both.
    wEnc: f32(layers * dSae * dIn, 1).map((v, i) => i < dSae * dIn ? v : 10 * v),
    bEnc: f32(layers * dSae, 2),
    wDec: [f32(dSae * dIn, 3), f32(2 * dSae * dIn, 4)],
    bDec: [f32(dIn, 5), f32(dIn, 6)],
    gateByDecoderNorm: false,
    activation: { name: "batchtopk", k, threshold: 3 },
    scope: "layer",
  };
  const points = [1, 2, 3, 4].map((seed) => f32(rows * dIn, 10 + seed));
  const record = await calibrated(gpu, base, points);
  const { latent } = await loadDictionary(gpu, record, rows).run(points);
  const ofFirst = latent.filter((l) => l < dSae).length;
  assert.deepEqual([ofFirst, latent.length - ofFirst], [k * rows, k * rows]);
  const all = await calibrated(gpu, { ...base, scope: "all" }, points);
  const found = (await loadDictionary(gpu, all, rows).run(points)).latent.length;
  assert.equal(found, k * rows, "k counts over all layers");
});

Deno.test("a dictionary that selects by count becomes a JumpReLU with as many active latents", async () => {
  const gpu = await whole();
  const dIn = 9, dSae = 70, rows = 1000, k = 5;
  const f32 = (length: number, seed: number) => Float32Array.from(vector(length, { seed }));
  const base: DictionaryRecord = {
    kind: "sae",
    dIn,
    dOut: dIn,
    dSae,
    wEnc: f32(dSae * dIn, 1),
    bEnc: f32(dSae, 2),
    wDec: f32(dSae * dIn, 3).map((v, i) => v * (1 + Math.floor(i / dIn) % 3)),
    bDec: f32(dIn, 4),
    subtractBDec: true,
    gateByDecoderNorm: true,
    activation: { name: "topk", k },
  };
  const x = f32(rows * dIn, 5);
  const record = await asJumprelu(gpu, base, [x]);
  assert.equal(record.gateByDecoderNorm, false);
  assert.ok(record.activation.name === "jumprelu");
  const { latent, rowStart } = await loadDictionary(gpu, record, rows).run([x]);
  // A threshold over a norm is rounded: scores beside it may fall on either side.
  assert.ok(Math.abs(latent.length - k * rows) <= 2, `${latent.length} entries`);
  const counts = Array.from({ length: rows }, (_, r) => rowStart[r + 1] - rowStart[r]);
  assert.ok(new Set(counts).size > 3, "rows differ in their number of active latents");
  await assert.rejects(asJumprelu(gpu, record, [x]), {
    name: "SdmError",
    message: 'Cannot make thresholds of "jumprelu": topk or batchtopk is needed',
  });
});
