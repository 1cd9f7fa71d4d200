/** Annealed exponents, first biases, and what a gated dictionary is saved as. */
import assert from "assert";
import { thresholdOptions } from "../../lib/blocks/gates/jumprelu.ts";
import { PENALTIES, penaltyOptions } from "../../lib/blocks/losses/penalty.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { gated } from "../../lib/models/gated.ts";
import { quantileBias, quantileOf } from "../../lib/models/initial_bias.ts";
import { jumprelu } from "../../lib/models/jumprelu.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { relu } from "../../lib/models/relu.ts";
import { modelOptions } from "../../lib/models/types.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { vector } from "../kernels/samples.ts";
import { plantedRows } from "./planted.ts";

const SHAPE = { rows: 32, dIn: 6, dSae: 14, k: 1 };

Deno.test("annealing an exponent changes the penalty, not its share of the loss", async () => {
  const gpu = await openGpu();
  const options = modelOptions({
    ...SHAPE,
    ...relu.defaults,
    penalty: penaltyOptions({ name: "lp", annealed: true }),
    clipGradNorm: 0,
  });
  const model = relu.build(gpu, options);
  const { x } = plantedRows({ rows: SHAPE.rows, d: SHAPE.dIn, count: 9, active: 2 });
  const values = relu.initial(options, 1, {
    bDec: [new Float32Array(6)],
    meanInput: [],
    sample: x,
    scales: [1],
  });
  for (const { name, value } of model.parameters) writeRows(gpu, value, values.get(name)!);
  writeRows(gpu, model.space.x, x);
  const word = (name: string) => model.ring.fields.findIndex((f) => f.name === name);
  const losses: number[] = [], coefficients: number[] = [];
  for (const [now, next] of [[1, 0.8], [1, 0.8], [0.8, 0.6], [0.8, 0.6], [0.6, 0.6]]) {
    const words = new DataView(new ArrayBuffer(STEP.words * 4));
    words.setFloat32(STEP.coefficient * 4, 0.5, true);
    words.setFloat32(STEP.exponent * 4, now, true);
    words.setFloat32(STEP.nextExponent * 4, next, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
    submit(gpu, model.step);
    const row = await readFloats(gpu, model.ring.buffer);
    losses.push(row[word("loss/sparsity")]);
    coefficients.push(row[word("sparsity/coefficient")]);
  }
  gpu.close();
  assert.ok(losses[0] > 0.01);
  losses.forEach((v) => assert.ok(Math.abs(v / losses[0] - 1) < 1e-5, `${losses}`));
  const [first, same, lower, still, lowest] = coefficients;
  assert.equal(first, 0.5);
  assert.equal(same, first);
  assert.ok(Math.abs(lower / first - 1) > 0.01 && still === lower, `${coefficients}`);
  assert.ok(Math.abs(lowest / lower - 1) > 0.01, `${coefficients}`);
});

Deno.test("a gated dictionary is saved as the JumpReLU that it is, negative thresholds included", () => {
  const [dIn, dSae] = [5, 12];
  const draw = (n: number, seed: number, scale = 1) =>
    Float32Array.from(vector(n, { seed, scale }));
  const values = new Map([
    ["W_enc", draw(dSae * dIn, 1)],
    ["r_mag", draw(dSae, 2, 0.5)],
    ["b_gate", draw(dSae, 3)],
    ["b_mag", draw(dSae, 4)],
    ["W_dec", draw(dSae * dIn, 5)],
    ["b_dec", draw(dIn, 6)],
  ]);
  const options = modelOptions({ ...SHAPE, ...gated.defaults, dIn, dSae, dOut: dIn });
  const record = gated.record(options, values) as DictionaryRecord;
  const { activation } = record;
  assert.ok(activation.name === "jumprelu" && activation.threshold.some((t) => t < 0));
  const x = draw(200 * dIn, 7);
  const { latents } = forwardRecord(record, x);
  const get = (name: string) => values.get(name)!;
  let active = 0;
  for (let r = 0; r < 200; r++) {
    for (let l = 0; l < dSae; l++) {
      let u = 0;
      for (let j = 0; j < dIn; j++) {
        u += (x[r * dIn + j] - get("b_dec")[j]) * get("W_enc")[l * dIn + j];
      }
      const q = Math.exp(get("r_mag")[l]) * u + get("b_mag")[l];
      const wanted = u + get("b_gate")[l] > 0 ? Math.max(0, q) : 0;
      if (wanted > 0) active++;
      assert.ok(Math.abs(latents[r * dSae + l] - wanted) < 1e-5, `row ${r}, latent ${l}`);
    }
  }
  assert.ok(active > 400, `${active} active`);
});

Deno.test("quantileOf lies between neighbours in proportion", () => {
  assert.equal(quantileOf([1, 2, 4], 0.5), 2);
  assert.equal(quantileOf([1, 2, 4], 0.75), 3);
  assert.equal(quantileOf([1, 2, 4], 0), 1);
  assert.equal(quantileOf([7], 0.3), 7);
});

Deno.test("first biases let the wanted share of rows pass every threshold", () => {
  const { x } = plantedRows({ rows: 400, d: 6, count: 9, active: 2, offset: 1 });
  // 20 000 latents are wanted 10 000 at a time, so a half; of 40 000 a quarter.
  for (const [dSae, share] of [[8, 0.5], [40_000, 0.25]]) {
    const options = modelOptions({
      ...SHAPE,
      ...jumprelu.defaults,
      dSae,
      thresholds: thresholdOptions({ biasFromData: true, initial: 0.3 }),
    });
    const facts = { bDec: [x.slice(0, 6)], meanInput: [], sample: x, scales: [1] };
    const values = jumprelu.initial(options, 4, facts);
    const [wEnc, bEnc] = [values.get("W_enc")!, values.get("b_enc")!];
    for (let l = 0; l < 8; l++) {
      let passed = 0;
      for (let r = 0; r < 400; r++) {
        let h = bEnc[l];
        for (let j = 0; j < 6; j++) h += (x[r * 6 + j] - x[j]) * wEnc[l * 6 + j];
        if (h > 0.3) passed++;
      }
      assert.ok(Math.abs(passed / 400 - share) <= 0.005, `latent ${l}: ${passed} of 400`);
    }
    // The rest of the start: decoder rows within ±1/√d, encoder rows d/F times them.
    const wDec = values.get("W_dec")!;
    assert.ok(wDec.every((v) => Math.abs(v) <= 1 / Math.sqrt(6)));
    assert.ok(wEnc.slice(0, 60).every((v, i) => Math.abs(v - wDec[i] * 6 / dSae) < 1e-7));
    assert.ok(values.get("threshold")!.every((t) => t === Math.fround(0.3)));
    assert.deepEqual(quantileBias(options, facts, wEnc.slice(0), 0.3), bEnc);
  }
});

Deno.test("penalties say what they need", () => {
  const having = (property: "needsLatentSums" | "hasExponent" | "onNumber") =>
    Object.entries(PENALTIES).filter(([, kind]) => kind[property]).map(([name]) => name);
  assert.deepEqual(having("needsLatentSums"), ["tanh_quad"]);
  assert.deepEqual(having("hasExponent"), ["lp_norm", "lp"]);
  assert.deepEqual(having("onNumber"), ["l0", "target_l0"]);
  for (const { form, onNumber } of Object.values(PENALTIES)) {
    assert.equal(form(penaltyOptions()) === undefined, onNumber);
  }
});
