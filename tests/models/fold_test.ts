import assert from "assert";
import { foldScales } from "../../lib/models/fold.ts";
import type { Activation } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { randomRecord, randomRows } from "../interop/fixtures.ts";

const D = 7, F = 20;
const ACTIVATIONS: Activation[] = [
  { name: "topk", k: 4 },
  { name: "relu" },
  { name: "jumprelu", threshold: Float32Array.from({ length: F }, (_, f) => 0.05 * f) },
  // The length at which a row stops is in the units of the rows.
  {
    name: "matching_pursuit",
    iterations: 6,
    residualThreshold: 2,
    stopOnDuplicateSupport: false,
    relu: true,
  },
  {
    name: "product_keys",
    k: 6,
    heads: 2,
    m1: 4,
    m2: 5,
    keys: randomRows(18, D, 3),
    keyBias: randomRows(1, 18, 4),
  },
];

for (const activation of ACTIVATIONS) {
  Deno.test(`foldScales() of a ${activation.name} dictionary is that dictionary in the model's units`, () => {
    const trained = randomRecord(D, F, activation);
    const x = randomRows(40, D);
    // Powers of two scale without rounding, so that equality is exact.
    for (const scale of [4, 0.125]) {
      const scaled = forwardRecord(trained, x.map((v) => v * scale));
      const folded = forwardRecord(foldScales(trained, [scale]), x);
      assert.ok(scaled.latents.some((v) => v > 0));
      assert.deepEqual([...folded.latents], [...scaled.latents].map((v) => v / scale));
      assert.deepEqual(
        [...folded.reconstruction],
        [...scaled.reconstruction].map((v) => v / scale),
      );
    }
    const odd = 1.3584878579279005;
    const scaled = forwardRecord(trained, x.map((v) => v * odd));
    const folded = forwardRecord(foldScales(trained, [odd]), x);
    folded.latents.forEach((v, i) => assert.ok(Math.abs(v - scaled.latents[i] / odd) < 1e-5));
    folded.reconstruction.forEach((v, i) =>
      assert.ok(Math.abs(v - scaled.reconstruction[i] / odd) < 1e-5)
    );
  });
}

Deno.test("foldScales() leaves the matrices and the record that it was given as they are", () => {
  const trained = randomRecord(D, F, ACTIVATIONS[2]);
  const before = structuredClone(trained);
  const folded = foldScales(trained, [3]);
  assert.deepEqual(trained, before);
  assert.deepEqual(folded.wEnc, before.wEnc);
  assert.deepEqual(folded.wDec, before.wDec);
  assert.deepEqual(foldScales(trained, [1]), before);
});
