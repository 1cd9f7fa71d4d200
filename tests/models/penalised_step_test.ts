/**
 * Steps under penalties on the GPU against the float64 reference, where they could go wrong: latents that never fire, rows
 * without any active latent, scores that equal their threshold or lie at the window's edge, matrices in several buffers.
 */
import assert from "assert";
import { type GpuOptions, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { thresholdOptions } from "../../lib/blocks/gates/jumprelu.ts";
import { type PenaltyName, penaltyOptions } from "../../lib/blocks/losses/penalty.ts";
import { familyOf } from "../../lib/models/mod.ts";
import { type ModelOptions, modelOptions } from "../../lib/models/types.ts";
import type { PenaltyForm } from "../../lib/reference/penalise_entries.ts";
import { gatedStep, penalisedStep } from "../../lib/reference/penalised_step.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { matrix, vector } from "../kernels/samples.ts";

const [ROWS, D] = [37, 13];

/** Rows 5 and 6 are nothing; latents 3, 70 and the last never fire, of very many most do not, so that rows are not cut. */
function operands(latents: number) {
  const x = matrix(ROWS, D, { seed: 1 }).slice();
  const bDec = vector(D, { seed: 5, scale: 0.1 });
  const bEnc = vector(latents, { seed: 3, scale: 0.2 }).map((b) => -Math.abs(b) - 0.01);
  for (const r of [5, 6]) x[r].set(bDec);
  for (const l of [3, 70, latents - 1]) bEnc[l] = -50;
  if (latents > 200) bEnc.forEach((_, l) => l % 100 > 5 && (bEnc[l] = -50));
  const wEnc = matrix(latents, D, { seed: 2, scale: 0.4 }).slice();
  const wDec = matrix(latents, D, { seed: 4, scale: 0.5 }).slice();
  // Latents 1 and 2 are one and the same.
  for (const w of [wEnc, wDec]) w[2].set(w[1]);
  bEnc[2] = bEnc[1];
  return { x, bDec, bEnc, wEnc, wDec };
}

interface Trial {
  type: string;
  latents: number;
  options: Partial<ModelOptions>;
  step: Partial<Record<keyof typeof STEP, number>>;
  x: Matrix;
  values: Record<string, Matrix>;
}

/** One step with a learning rate of zero; gradients and metrics. */
async function run(trial: Trial, gpuOptions: GpuOptions) {
  const gpu = await openGpu(gpuOptions);
  const model = familyOf(trial.type).build(
    gpu,
    modelOptions({
      ...familyOf(trial.type).defaults,
      rows: ROWS,
      dIn: D,
      dSae: trial.latents,
      k: 1,
      clipGradNorm: 0,
      preAct: undefined,
      ...trial.options,
    }),
  );
  for (const { name, value } of model.parameters) {
    writeRows(gpu, value, Float32Array.from(trial.values[name].flatMap((row) => [...row])));
  }
  writeRows(gpu, model.space.x, Float32Array.from(trial.x.flatMap((row) => [...row])));
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  for (const [name, value] of Object.entries(trial.step)) {
    words.setFloat32(STEP[name as keyof typeof STEP] * 4, value, true);
  }
  gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
  submit(gpu, model.step);
  const { fields, buffer } = model.ring;
  const row = await readFloats(gpu, buffer, fields.length);
  const gradients = new Map<string, Float32Array>();
  for (const { name, grad } of model.parameters) gradients.set(name, await readRows(gpu, grad));
  const shards = model.parameters.find((p) => p.name === "W_dec")!.value.shards.length;
  gpu.close();
  return { gradients, metric: (n: string) => row[fields.findIndex((f) => f.name === n)], shards };
}

function near(got: Float32Array, wanted: Matrix, what: string): void {
  const all = wanted.flatMap((row) => [...row]);
  const scale = Math.max(1e-12, ...all.map(Math.abs));
  const errors = all.map((v, i) => Math.abs(v - got[i]) / scale);
  const at = errors.indexOf(Math.max(...errors));
  assert.ok(errors[at] < 2e-5, `${what} ${at}: ${got[at]}, ${all[at]} (relative ${errors[at]})`);
}

const DEVICES: Record<string, GpuOptions> = {
  "as it is": {},
  "without subgroups": { subgroups: "off" },
  "matrices in several buffers": { maxBindingBytes: 64 * 1024 },
};

for (const [device, gpuOptions] of Object.entries(DEVICES)) {
  const latents = gpuOptions.maxBindingBytes ? 1500 : 150;

  const forms: [PenaltyName, PenaltyForm][] = [
    ["l1", { kind: "l1" }],
    ["tanh_quad", { kind: "tanh_quad", scale: 4, frequency: 0.01 }],
    ["lp_norm", { kind: "lp_norm", p: 1.5 }],
  ];
  for (const [name, form] of forms) {
    Deno.test(`ReLU under ${name} equals the reference, device ${device}`, async () => {
      const o = operands(latents);
      const threshold = new Float64Array(latents);
      const coefficient = Math.fround(0.3);
      const wanted = penalisedStep({ ...o, threshold }, o.x, {
        form,
        coefficient,
        byNorms: true,
        window: 0,
        preAct: 0,
      });
      assert.ok(wanted.code[5].length === 0 && wanted.code[6].length === 0);
      const found = await run({
        type: "relu",
        latents,
        options: { penalty: penaltyOptions({ name }) },
        step: { coefficient, exponent: "p" in form ? form.p : 1 },
        x: o.x,
        values: { W_enc: o.wEnc, b_enc: [o.bEnc], W_dec: o.wDec, b_dec: [o.bDec] },
      }, gpuOptions);
      assert.equal(found.shards > 1, gpuOptions.maxBindingBytes !== undefined);
      const g = wanted.gradients;
      near(found.gradients.get("W_enc")!, g.wEnc, "W_enc");
      near(found.gradients.get("b_enc")!, [g.bEnc], "b_enc");
      near(found.gradients.get("W_dec")!, g.wDec, "W_dec");
      near(found.gradients.get("b_dec")!, [g.bDec], "b_dec");
      assert.ok(Math.abs(found.metric("loss/total") / wanted.loss - 1) < 1e-5);
      assert.equal(found.metric("sparsity/capped_rows"), 0);
    });
  }

  Deno.test(`JumpReLU with scores at its thresholds equals the reference, device ${device}`, async () => {
    const o = operands(latents);
    // Scores of latents 20 to 23 in row 0 are exact: at the threshold, at the window's edges, within it.
    o.wEnc.slice(20, 24).forEach((w) => w.fill(0));
    const threshold = vector(latents, { seed: 6, scale: 0.3 }).map((v) => Math.abs(v) + 0.1);
    [[0.75, 0.75], [0.5, 0.75], [1, 0.75], [0.875, 0.75]].forEach(([h, theta], i) => {
      o.bEnc[20 + i] = h;
      threshold[20 + i] = theta;
    });
    const [coefficient, preAct, window] = [Math.fround(0.4), Math.fround(0.05), 0.5];
    const wanted = penalisedStep({ ...o, threshold }, o.x, {
      form: { kind: "tanh", scale: 4 },
      coefficient,
      byNorms: true,
      window,
      preAct,
    });
    const active = wanted.code[0].map((e) => e.latent).filter((l) => l >= 20 && l < 24);
    assert.deepEqual(active, [22, 23], "strictly above");
    const found = await run({
      type: "jumprelu",
      latents,
      options: {
        penalty: penaltyOptions({ name: "tanh" }),
        thresholds: thresholdOptions({ window }),
        preAct: "all",
      },
      step: { coefficient, preActCoefficient: preAct },
      x: o.x,
      values: {
        W_enc: o.wEnc,
        b_enc: [o.bEnc],
        W_dec: o.wDec,
        b_dec: [o.bDec],
        threshold: [threshold],
      },
    }, gpuOptions);
    const g = wanted.gradients;
    // At equality the program pulls and the reference does not: the pre-activation loss has a corner there.
    const corner = preAct * Math.sqrt(o.wDec[20].reduce((s, v) => s + v * v, 0));
    g.threshold[20] += corner;
    g.bEnc[20] -= corner;
    o.x.forEach((row) => row.forEach((v, j) => g.wEnc[20][j] -= corner / ROWS * (v - o.bDec[j])));
    near(found.gradients.get("W_enc")!, g.wEnc, "W_enc");
    near(found.gradients.get("b_enc")!, [g.bEnc], "b_enc");
    near(found.gradients.get("W_dec")!, g.wDec, "W_dec");
    near(found.gradients.get("threshold")!, [g.threshold], "threshold");
    assert.ok(Math.abs(found.metric("loss/total") / wanted.loss - 1) < 1e-5);
  });

  Deno.test(`Gated equals the reference, device ${device}`, async () => {
    const o = operands(latents);
    const rMag = vector(latents, { seed: 7, scale: 0.3 });
    const bMag = vector(latents, { seed: 9, scale: 0.2 });
    const coefficient = Math.fround(0.3);
    const wanted = gatedStep({ ...o, rMag, bGate: o.bEnc, bMag }, o.x, coefficient);
    const found = await run({
      type: "gated",
      latents,
      options: { unitRows: false, penalty: penaltyOptions({ name: "l1" }) },
      step: { coefficient },
      x: o.x,
      values: {
        W_enc: o.wEnc,
        r_mag: [rMag],
        b_gate: [o.bEnc],
        b_mag: [bMag],
        W_dec: o.wDec,
        b_dec: [o.bDec],
      },
    }, gpuOptions);
    const g = wanted.gradients;
    near(found.gradients.get("r_mag")!, [g.rMag], "r_mag");
    near(found.gradients.get("b_mag")!, [g.bMag], "b_mag");
  });
}

Deno.test("rows that are cut at the room of their lists are counted", async () => {
  const o = operands(150);
  const found = await run({
    type: "jumprelu",
    latents: 150,
    options: { thresholds: thresholdOptions({ window: 0.5 }) },
    step: { coefficient: 0.1 },
    x: o.x,
    values: {
      W_enc: o.wEnc,
      b_enc: [o.bEnc.map(() => 0.1)],
      W_dec: o.wDec,
      b_dec: [o.bDec],
      threshold: [new Float64Array(150).fill(0.01)],
    },
  }, { maxBindingBytes: 16 * 1024 });
  const cut = found.metric("sparsity/capped_rows");
  assert.ok(cut >= ROWS - 2, `${cut} rows`);
  assert.ok([...found.gradients.values()].every((g) => g.every(Number.isFinite)));
});
