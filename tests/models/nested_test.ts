/**
 * Matryoshka dictionaries, transcoders, skip connections and multi-TopK on the device: gradients of every parameter against
 * PyTorch's and against the reference, on any split of the matrices.
 */
import assert from "assert";
import { equalPrefixes, PARETO, prefixesAt } from "../../lib/blocks/decoders/prefix_plan.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { matryoshka } from "../../lib/models/matryoshka.ts";
import { topk } from "../../lib/models/topk.ts";
import { skipTranscoder, transcoder } from "../../lib/models/transcoder.ts";
import { type ModelOptions, modelOptions, type TrainableModel } from "../../lib/models/types.ts";
import {
  type NestedOptions,
  nestedStep,
  type NestedWeights,
} from "../../lib/reference/nested_step.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { split, whole } from "../kernels/device.ts";
import { matrix, vector } from "../kernels/samples.ts";
import { NESTED_CASES } from "../reference/nested_cases.ts";

const flat = (m: Matrix) => Float32Array.from(m.flatMap((row) => [...row]));

/** Parameters by the names that models give them. */
function named({ wEnc, bEnc, wDec, bDec, wSkip }: NestedWeights): Map<string, Matrix> {
  const all: [string, Matrix | undefined][] = [
    ["W_enc", wEnc],
    ["b_enc", [bEnc]],
    ["W_dec", wDec],
    ["b_dec", [bDec]],
    ["W_skip", wSkip],
  ];
  return new Map(all.filter((pair): pair is [string, Matrix] => pair[1] !== undefined));
}

/** What a step is made on. */
interface Problem {
  x: Matrix;
  y: Matrix;
  weights: NestedWeights;
  options: NestedOptions;
}

function optionsOf(
  { x, y, weights, options }: Problem,
): { family: typeof topk; all: ModelOptions } {
  const { bounds } = options;
  const nested = bounds.length > 1;
  const family = weights.wSkip
    ? skipTranscoder
    : !options.inputBias
    ? transcoder
    : nested
    ? matryoshka
    : topk;
  const prefixes = {
    widths: bounds.filter((b) => b > 0),
    weights: options.weights,
    biasLevel: bounds[0] === 0,
  };
  return {
    family,
    all: modelOptions({
      ...family.defaults,
      activation: "topk",
      rows: x.length,
      dIn: x[0].length,
      dOut: y[0].length,
      dSae: weights.wEnc.length,
      k: options.k,
      multiTopk: options.multiTopk,
      loss: options.factor === undefined ? "fvu" : "sum_mean",
      unitRows: false,
      clipGradNorm: 0,
      ...nested ? { prefixes } : {},
    }),
  };
}

/** A model with the problem's weights and data. */
function build(gpu: Gpu, problem: Problem, more: Partial<ModelOptions> = {}): TrainableModel {
  const { family, all } = optionsOf(problem);
  const model = family.build(gpu, { ...all, ...more });
  const values = named(problem.weights);
  assert.deepEqual(model.parameters.map((p) => p.name).sort(), [...values.keys()].sort());
  for (const { name, value } of model.parameters) writeRows(gpu, value, flat(values.get(name)!));
  [problem.x, problem.y].slice(0, model.inputs.length)
    .forEach((data, i) => writeRows(gpu, model.inputs[i], flat(data)));
  return model;
}

/** Gradients and figures of a step with a learning rate of zero. */
async function stepOf(gpu: Gpu, model: TrainableModel, k: number, step = 0) {
  const words = new Uint32Array(STEP.words);
  words[STEP.k] = k;
  gpu.device.queue.writeBuffer(model.space.step, 0, words);
  model.beforeStep?.(step);
  submit(gpu, model.step);
  const gradients = new Map<string, Float32Array>();
  for (const { name, grad } of model.parameters) gradients.set(name, await readRows(gpu, grad));
  const ring = await readFloats(gpu, model.ring.buffer);
  const figures = new Map(model.ring.fields.map((f, i) => [f.name, ring[i]]));
  return { gradients, figures };
}

/** Demands gradients within `tolerance` of the largest one of each parameter. */
function near(found: Map<string, Float32Array>, wanted: NestedWeights, tolerance = 1e-4): void {
  for (const [name, rows] of named(wanted)) {
    const expected = rows.flatMap((row) => [...row]);
    const scale = Math.max(...expected.map(Math.abs));
    const off = Math.max(...expected.map((v, i) => Math.abs(v - found.get(name)![i])));
    assert.ok(off <= tolerance * scale, `${name} is off by ${off / scale} of its largest`);
  }
}

for (const { name, loss, gradients, ...problem } of NESTED_CASES) {
  Deno.test(`${name}: the device's loss and gradients are PyTorch's`, async () => {
    const gpu = await whole();
    const found = await stepOf(gpu, build(gpu, problem), problem.options.k);
    assert.ok(Math.abs(found.figures.get("loss/total")! - loss) < 1e-5 * loss);
    near(found.gradients, gradients, 2e-6);
  });
}

/** Latents in several buffers of the split device (64 rows each), bounds inside and on their edges. */
function large(transcodes: boolean): Problem {
  const [rows, dIn, latents] = [12, 61, 150];
  const dOut = transcodes ? 50 : dIn;
  const x = matrix(rows, dIn, { seed: 1 });
  return {
    x,
    y: transcodes ? matrix(rows, dOut, { seed: 2 }) : x,
    weights: {
      wEnc: matrix(latents, dIn, { seed: 3, scale: 0.2 }),
      bEnc: vector(latents, { seed: 4, scale: 0.1 }),
      wDec: matrix(latents, dOut, { seed: 5, scale: 0.2 }),
      bDec: vector(dOut, { seed: 6, scale: 0.1 }),
      ...transcodes && { wSkip: matrix(dOut, dIn, { seed: 7, scale: 0.1 }) },
    },
    options: {
      k: 7,
      inputBias: !transcodes,
      bounds: [20, 64, 70, 128, 150],
      weights: [0.1, 0.3, 0.2, 0.15, 0.25],
      multiTopk: transcodes,
    },
  };
}

for (const transcodes of [false, true]) {
  const what = transcodes ? "a nested skip transcoder with multi-TopK" : "a Matryoshka dictionary";
  Deno.test(`${what}: gradients and figures are the reference's, the same bits on any split`, async () => {
    const problem = large(transcodes);
    const wanted = nestedStep(problem.weights, problem.x, problem.y, problem.options);
    let first: Map<string, Float32Array> | undefined;
    for (const open of [whole, split]) {
      const gpu = await open();
      const model = build(gpu, problem);
      const wDec = model.parameters.find((p) => p.name === "W_dec")!;
      assert.equal(wDec.value.shards.length, open === split ? 3 : 1);
      const { gradients, figures } = await stepOf(gpu, model, problem.options.k);
      near(gradients, wanted.gradients, 2e-6);
      const close = (name: string, value: number) =>
        assert.ok(Math.abs(figures.get(name)! - value) < 1e-5, `${name}: ${figures.get(name)}`);
      close("loss/total", wanted.loss);
      problem.options.bounds.forEach((bound, g) =>
        close(bound === 150 ? "recon/fvu" : `recon/fvu_prefix_${bound}`, wanted.fvu[g])
      );
      for (const [name, grad] of gradients) assert.deepEqual(grad, (first ?? gradients).get(name));
      first ??= gradients;
    }
  });
}

Deno.test("prefixes that are drawn are those of the step", async () => {
  const gpu = await whole();
  const problem = large(false);
  const drawn = { ...PARETO, seed: 3 };
  const prefixes = { ...equalPrefixes([1, 2, 3], 150, true), drawn };
  const model = build(gpu, problem, { prefixes });
  const seen = new Set<string>();
  for (const step of [0, 5, 6]) {
    const table = prefixesAt(prefixes, step);
    const [bounds, weights] = [table.map((p) => p.bound), table.map((p) => p.weight)];
    seen.add(bounds.join());
    const options = { ...problem.options, bounds, weights };
    const wanted = nestedStep(problem.weights, problem.x, problem.y, options);
    const { gradients, figures } = await stepOf(gpu, model, problem.options.k, step);
    near(gradients, wanted.gradients, 2e-6);
    ["prefix_0", "drawn_1", "drawn_2", "drawn_3"].forEach((name, g) =>
      assert.ok(Math.abs(figures.get(`recon/fvu_${name}`)! - wanted.fvu[g]) < 1e-5, name)
    );
  }
  assert.equal(seen.size, 3);
});

Deno.test("AuxK learns what all latents leave, whatever the prefixes", async () => {
  const gpu = await whole();
  const problem = large(false);
  const aux = { auxkCoefficient: 1 / 32, kAux: 4, deadAfterTokens: 1 };
  const one = equalPrefixes([], 150);
  const nested = await stepOf(gpu, build(gpu, problem, aux), 7);
  const plain = await stepOf(gpu, build(gpu, problem, { ...aux, prefixes: one }), 7);
  assert.ok(plain.figures.get("sparsity/dead")! > 10);
  const [a, b] = [nested, plain].map((r) => r.figures.get("loss/auxk")!);
  assert.ok(a > 0 && Math.abs(a - b) < 1e-5 * a, `${a}, ${b}`);
});
