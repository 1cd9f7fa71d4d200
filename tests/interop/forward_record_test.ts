import assert from "assert";
import { foldInputScale, unitDecoderGauge } from "../../lib/interop/gauge.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { golden, GOLDEN_THRESHOLD, GOLDEN_X, randomRecord, randomRows } from "./fixtures.ts";

function check(record: DictionaryRecord, latents: number[], y: number[], tolerance = 1e-5): void {
  const result = forwardRecord(record, GOLDEN_X);
  const near = (found: ArrayLike<number>, wanted: number[]) =>
    wanted.forEach((v, i) => assert.ok(Math.abs(found[i] - v) < tolerance, `${found[i]} for ${v}`));
  near(result.latents, latents);
  near(result.reconstruction, y);
}

Deno.test("forwardRecord() gives the golden vectors of standard, topk and jumprelu", () => {
  const relu = { name: "relu" } as const;
  const topk = { name: "topk", k: 1 } as const;
  const jump = { name: "jumprelu", threshold: GOLDEN_THRESHOLD } as const;
  check(golden(relu), [1.1, 0.8, 0.05], [2.65, 0.35]);
  check(golden(relu, false), [1.6, 0.3, 0], [3.7, -0.2]);
  check(golden(topk), [1.1, 0, 0], [2.7, -0.5]);
  check(golden(jump), [1.1, 0, 0], [2.7, -0.5]);
  check(golden(jump, false), [1.6, 0, 0], [3.7, -0.5]);
});

Deno.test("a gate by decoder norm changes who wins; its unit-decoder form is the same function", () => {
  const gated = { ...golden({ name: "topk", k: 2 }), gateByDecoderNorm: true };
  check(gated, [1.1, 0.8, 0], [2.7, 0.3]);
  const unit = unitDecoderGauge(gated);
  check(unit, [2.2, 0.8, 0], [2.7, 0.3]);
  // k = 1 with the flag: the score 2.2 is the latent's value in SAELens.
  check(unitDecoderGauge({ ...gated, activation: { name: "topk", k: 1 } }), [2.2, 0, 0], [
    2.7,
    -0.5,
  ]);
});

Deno.test("topk gives ties to the lowest latent and never a negative value", () => {
  const record = golden({ name: "topk", k: 2 });
  record.wEnc.fill(0);
  record.bEnc.set([-1, 0.5, 0.5]);
  assert.deepEqual([...forwardRecord(record, GOLDEN_X).latents], [0, 0.5, 0.5]);
  const one = { ...record, activation: { name: "topk", k: 1 } as const };
  assert.deepEqual([...forwardRecord(one, GOLDEN_X).latents], [0, 0.5, 0]);
  record.bEnc.fill(-1);
  assert.deepEqual([...forwardRecord(record, GOLDEN_X).latents], [0, 0, 0]);
});

Deno.test("a value equal to its jumprelu threshold is off", () => {
  const record = golden({ name: "jumprelu", threshold: Float32Array.of(0.5, 0.25, 0) });
  record.wEnc.fill(0);
  record.bEnc.set([0.5, 0.5, -1]);
  assert.deepEqual([...forwardRecord(record, GOLDEN_X).latents], [0, 0.5, 0]);
});

Deno.test("a folded input scale gives the golden vector of the scaled dictionary", () => {
  check(foldInputScale(golden({ name: "relu" }), 0.5), [0.35, 0.55, 0.55], [1.3, 1.2]);
});

Deno.test("the unit-decoder form of relu and jumprelu reconstructs the same rows", () => {
  const x = randomRows(20, 6);
  const threshold = Float32Array.from({ length: 24 }, (_, i) => i / 40);
  for (const activation of [{ name: "relu" }, { name: "jumprelu", threshold }] as const) {
    for (const gateByDecoderNorm of [false, true]) {
      const unit = randomRecord(6, 24, activation);
      const wDec = unit.wDec.map((w, i) => w * (1 + Math.floor(i / 6) / 8));
      const record = { ...unit, wDec, gateByDecoderNorm };
      const before = forwardRecord(record, x);
      const after = forwardRecord(unitDecoderGauge(record), x);
      before.reconstruction.forEach((v, i) =>
        assert.ok(Math.abs(v - after.reconstruction[i]) < 1e-5)
      );
      assert.ok(before.latents.some((v, i) => Math.abs(v - after.latents[i]) > 0.01));
    }
  }
  const plain = randomRecord(6, 24, { name: "topk", k: 3 });
  assert.throws(() => unitDecoderGauge(plain), RangeError);
});

Deno.test("rows that are normalised one by one give SAELens' golden vectors", () => {
  const relu = golden({ name: "relu" });
  check({ ...relu, rowNorm: "layer_norm" }, [0.307097, 0, 0], [1.787854, 0.646447]);
  check({ ...relu, rowNorm: "token" }, [0.941641, 0.747214, 0.155573], [2.490654, 0.450329]);
});
