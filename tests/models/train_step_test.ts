import assert from "assert";
import { openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { RandomStream } from "../../lib/base/random.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { topk } from "../../lib/models/topk.ts";
import { type ModelOptions, modelOptions } from "../../lib/models/types.ts";
import { startState, type StepOptions, type Weights } from "../../lib/reference/train_state.ts";
import { trainStep } from "../../lib/reference/train_step.ts";

const NAMES = { W_enc: "wEnc", b_enc: "bEnc", W_dec: "wDec", b_dec: "bDec" } as const;

function matrix(data: Float32Array, cols: number): number[][] {
  return Array.from(
    { length: data.length / cols },
    (_, r) => [...data.subarray(r * cols, (r + 1) * cols)],
  );
}

function weightsOf(values: ReadonlyMap<string, Float32Array>, d: number): Weights {
  const get = (name: string) => values.get(name) as Float32Array;
  return {
    wEnc: matrix(get("W_enc"), d),
    bEnc: [...get("b_enc")],
    wDec: matrix(get("W_dec"), d),
    bDec: [...get("b_dec")],
  };
}

/** Largest difference between a device array and a reference, relative to the largest reference value. */
function relativeError(found: Float32Array, wanted: readonly number[]): number {
  const scale = Math.max(1e-30, ...wanted.map(Math.abs));
  return Math.max(...wanted.map((w, i) => Math.abs(w - found[i]))) / scale;
}

async function compare(
  options: ModelOptions,
  stepOptions: StepOptions,
  steps: number,
  gpuOptions: Parameters<typeof openGpu>[0],
  tolerance: number,
): Promise<{ shards: number; panels: number; auxSteps: number }> {
  const gpu = await openGpu(gpuOptions);
  const { rows, dIn: d } = options;
  const stream = new RandomStream(3, "test data");
  const start = new Float32Array(d).map((_, j) => 0.1 * stream.normal(1, j));
  const values = topk.initial(options, 7, {
    bDec: [start],
    meanInput: [],
    sample: start,
    scales: [1],
  });
  const state = startState(weightsOf(values, d));
  const model = topk.build(gpu, options);
  for (const p of model.parameters) writeRows(gpu, p.value, values.get(p.name) as Float32Array);

  let auxSteps = 0;
  for (let t = 0; t < steps; t++) {
    const x = new Float32Array(rows * d);
    stream.fillNormal(100 + t, x);
    for (let i = 0; i < x.length; i++) x[i] = x[i] * (1 + (i % d) / d) + (i % d === 0 ? 2 : 0);
    writeRows(gpu, model.inputs[0], x);
    const numbers = new DataView(new ArrayBuffer(STEP.words * 4));
    numbers.setFloat32(STEP.lr * 4, stepOptions.lr, true);
    numbers.setFloat32(STEP.correction1 * 4, 1 / (1 - stepOptions.beta1 ** (t + 1)), true);
    numbers.setFloat32(STEP.correction2 * 4, 1 / (1 - stepOptions.beta2 ** (t + 1)), true);
    numbers.setUint32(STEP.k * 4, stepOptions.k, true);
    numbers.setUint32(STEP.slot * 4, t % options.ringSlots, true);
    gpu.device.queue.writeBuffer(model.space.step, 0, numbers.buffer);
    submit(gpu, model.step);
    const wanted = trainStep(state, matrix(x, d), stepOptions);

    if (wanted.auxLoss > 0) auxSteps++;
    const ring = await readFloats(gpu, model.ring.buffer);
    const names = model.ring.fields.map((f) => f.name);
    const row = ring.subarray((t % options.ringSlots) * names.length);
    const close = (field: string, value: number) => {
      const found = row[names.indexOf(field)];
      const bound = tolerance * Math.max(1, Math.abs(value));
      assert.ok(Math.abs(found - value) <= bound, `step ${t} ${field}: ${found}, not ${value}`);
    };
    close("recon/fvu", wanted.fvu);
    close("loss/auxk", wanted.auxLoss);
    close("grad_norm", wanted.gradNorm);
    close("sparsity/l0", wanted.code.flat().length / rows);
    close(
      "sparsity/dead",
      state.sinceFired.filter((n) => n >= stepOptions.deadAfter).length,
    );
    for (const p of model.parameters) {
      const name = NAMES[p.name as keyof typeof NAMES];
      const found = await readRows(gpu, p.value);
      const error = relativeError(found, state.weights[name].flat());
      assert.ok(error <= tolerance, `step ${t} ${p.name}: relative error ${error}`);
    }
  }
  gpu.close();
  const panels = model.step.filter((c) => "kernel" in c && c.kernel === "topk_merge").length / 2;
  return { shards: model.parameters[0].value.shards.length, panels, auxSteps };
}

const OPTIONS: ModelOptions = modelOptions({
  rows: 70,
  dIn: 13,
  dSae: 150,
  k: 5,
  auxkCoefficient: 1 / 32,
  kAux: 6,
  deadAfterTokens: 140,
  clipGradNorm: 0.05,
  ringSlots: 3,
});
const STEP_OPTIONS: StepOptions = {
  k: 5,
  kAux: 6,
  alpha: 1 / 32,
  deadAfter: 140,
  lr: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clip: 0.05,
};

Deno.test("a TopK step on the GPU equals the float64 step, with dead latents and clipping", async () => {
  const { auxSteps } = await compare(OPTIONS, STEP_OPTIONS, 4, {}, 2e-5);
  assert.ok(auxSteps >= 2, `AuxK was at work in ${auxSteps} steps`);
});

Deno.test("a TopK step without subgroups equals the float64 step", async () => {
  await compare(OPTIONS, STEP_OPTIONS, 3, { subgroups: "off" }, 2e-5);
});

Deno.test("a TopK step with matrices split over several buffers equals the float64 step", async () => {
  const wide = { ...OPTIONS, dSae: 1500 };
  const run = await compare(wide, STEP_OPTIONS, 3, { maxBindingBytes: 40 * 1024 }, 2e-5);
  assert.equal(run.shards, 3);
  assert.ok(run.panels > 20, `${run.panels} panels`);
});
