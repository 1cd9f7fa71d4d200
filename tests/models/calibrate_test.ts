import assert from "assert";
import { calibrated, calibrateThreshold } from "../../lib/models/calibrate.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
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
  const other = { ...base, activation: { name: "topk" as const, k } };
  assert.equal(await calibrated(gpu, other, [x]), other);
});
