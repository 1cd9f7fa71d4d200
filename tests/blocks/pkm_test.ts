import assert from "assert";
import { pkmCoder } from "../../lib/blocks/coders/pkm.ts";
import { planKeyGrid } from "../../lib/blocks/coders/pkm_plan.ts";
import { rowsDecoder } from "../../lib/blocks/decoders/rows.ts";
import { lossOptions } from "../../lib/blocks/losses/reconstruction.ts";
import {
  createParameter,
  createSite,
  createWorkspace,
  type Parameter,
} from "../../lib/blocks/types.ts";
import { SdmError } from "../../lib/base/errors.ts";
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats, readSlices } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { pkmBackward, pkmForward, type PkmGradients } from "../../lib/reference/product_keys.ts";
import type { Code, Matrix } from "../../lib/reference/types.ts";
import { asHardware, split, whole } from "../kernels/device.ts";
import { matrix, vector } from "../kernels/samples.ts";
import { PKM_CASES, type PkmCase, valueGradients } from "../reference/pkm_cases.ts";

interface Outcome {
  codes: Code[];
  gradients: Map<string, Float32Array>;
  inputSum: Float32Array;
  /** Buffers of the sub-keys. */
  buffers: number;
}

/** One forward and backward pass with the loss `sum_mean`; the second code, if any, is that of `times` k. */
async function run(gpu: Gpu, given: PkmCase, times: readonly number[] = [1]): Promise<Outcome> {
  const { x, y, weights, wDec, bDec, shape, k } = given;
  const [rows, d, dSae] = [x.length, x[0].length, shape.latents];
  const space = createWorkspace(gpu, {
    rows,
    dIn: d,
    dOut: d,
    dSae,
    separateTarget: true,
    inputBias: false,
  });
  const fill = (name: string, m: Matrix | Float64Array): Parameter => {
    const list = m instanceof Float64Array ? [m] : m;
    const parameter = createParameter(gpu, name, list.length, list[0].length);
    writeRows(gpu, parameter.value, Float32Array.from(list.flatMap((row) => [...row])));
    return parameter;
  };
  const coder = pkmCoder(gpu, space, {
    grid: shape,
    keys: fill("W_keys", weights.keys),
    keyBias: fill("b_keys", weights.keyBias),
    latentBias: weights.latentBias && fill("b_latent", weights.latentBias),
    kMax: k + 3,
    codes: times.map((t) => ({ times: t, weight: 1 })),
  });
  const decoder = rowsDecoder(gpu, space, {
    wDec: fill("W_dec", wDec),
    bDec: fill("b_dec", bDec),
    loss: lossOptions("sum_mean", { rows, dOut: d }),
  });
  const sites = coder.codes.map((plan, i) => createSite(gpu, space, plan, i, dSae));
  writeRows(gpu, space.x, Float32Array.from(x.flatMap((row) => [...row])));
  writeRows(gpu, space.target, Float32Array.from(y.flatMap((row) => [...row])));
  gpu.device.queue.writeBuffer(space.step, STEP.k * 4, new Uint32Array([k]));
  const sum = createBuffer(gpu, space.x.stride * 4, "input sum");
  submit(gpu, [
    ...coder.forward(),
    ...sites.flatMap((site) => [
      ...decoder.reconstruct(site),
      ...decoder.count(site),
      ...decoder.codeGradient(site),
      ...decoder.place(site),
    ]),
    ...coder.backward(sites, decoder),
    ...coder.inputGradient(sum),
  ]);
  const codes: Code[] = [];
  for (const { code } of sites) {
    const [spans, entries] = await readSlices(gpu, [
      { buffer: code.spans },
      { buffer: code.entries },
    ]);
    codes.push(codeOf(new Uint32Array(spans), new Uint32Array(entries), rows));
  }
  const gradients = new Map<string, Float32Array>();
  for (const { name, grad } of coder.parameters) gradients.set(name, await readRows(gpu, grad));
  const inputSum = (await readFloats(gpu, sum)).subarray(0, d);
  gpu.check();
  return { codes, gradients, inputSum, buffers: coder.parameters[0].value.shards.length };
}

function codeOf(spans: Uint32Array, entries: Uint32Array, rows: number): Code {
  const values = new Float32Array(entries.buffer);
  return Array.from({ length: rows }, (_, r) => {
    const [begin, end] = [spans[2 * r], spans[2 * r + 1]];
    return Array.from(
      { length: end - begin },
      (_, i) => ({ latent: entries[2 * (begin + i)], value: values[2 * (begin + i) + 1] }),
    );
  });
}

/** Largest difference in units of the largest wanted number. */
function relative(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.equal(got.length, wanted.length);
  let [worst, scale] = [0, 1e-30];
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(Number.isFinite(got[i]), `number ${i} is ${got[i]}`);
    worst = Math.max(worst, Math.abs(got[i] - wanted[i]));
    scale = Math.max(scale, Math.abs(wanted[i]));
  }
  return worst / scale;
}

function assertCode(got: Code, wanted: Code, what: string): void {
  wanted.forEach((row, r) => {
    assert.deepEqual(got[r].map((e) => e.latent), row.map((e) => e.latent), `row ${r} of ${what}`);
  });
  const values = (code: Code) => code.flatMap((row) => row.map((e) => e.value));
  assert.ok(relative(values(got), values(wanted)) < 1e-5, what);
}

function assertGradients(got: Outcome, wanted: PkmGradients, what: string): void {
  const flat = (m: Matrix) => m.flatMap((row) => [...row]);
  const pairs: [string, ArrayLike<number>][] = [
    ["W_keys", flat(wanted.keys)],
    ["b_keys", wanted.keyBias],
    ["b_latent", wanted.latentBias],
  ];
  for (const [name, numbers] of pairs.slice(0, got.gradients.size)) {
    const off = relative(got.gradients.get(name)!, numbers);
    assert.ok(off < 1e-5, `${name} of ${what} is off by ${off}`);
  }
  assert.ok(relative(got.inputSum, wanted.inputSum) < 1e-5, `input of ${what}`);
}

for (const [where, device] of Object.entries({ whole, split, asHardware })) {
  Deno.test(`pkmCoder() makes the codes and gradients of PyTorch (${where})`, async () => {
    const gpu = await device();
    for (const given of PKM_CASES) {
      const got = await run(gpu, given);
      assertCode(got.codes[0], given.code, given.name);
      assertGradients(got, {
        ...given.gradients,
        latentBias: given.gradients.latentBias ?? new Float64Array(0),
        inputSum: given.inputSum,
      }, given.name);
    }
  });
}

/** 100 rows and 200 sub-keys of width 68: more than one buffer of rows and of keys where bindings are small. */
function larger(latentBias: boolean): PkmCase {
  const shape = { m1: 50, m2: 50, latents: 2470, heads: 2 };
  const weights = {
    keys: matrix(200, 68, { seed: 1, scale: 0.1 }),
    keyBias: vector(200, { seed: 2, scale: 0.1 }),
    latentBias: latentBias ? vector(2470, { seed: 3, scale: 0.3 }) : undefined,
  };
  const [x, y] = [matrix(100, 68, { seed: 4 }), matrix(100, 68, { seed: 5 })];
  const [wDec, bDec] = [matrix(2470, 68, { seed: 6, scale: 0.1 }), vector(68, { seed: 7 })];
  const { code } = pkmForward(x, weights, shape, 9);
  return {
    name: "larger",
    shape,
    k: 9,
    x,
    y,
    weights,
    wDec,
    bDec,
    loss: 0,
    code,
    gradients: { ...weights, wDec, bDec },
    inputSum: new Float64Array(68),
  };
}

/** Bindings that hold the scores of 64 rows, all rows of the batch, and 192 of the 200 sub-keys. */
async function small(): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes: 64 * 256 * 4 } };
}

for (const latentBias of [false, true]) {
  Deno.test(`pkmCoder() splits rows and keys over buffers, ${latentBias ? "with" : "without"} a bias a latent`, async () => {
    const given = larger(latentBias);
    const forward = pkmForward(given.x, given.weights, given.shape, given.k);
    const dz = valueGradients(forward.code, given);
    const wanted = pkmBackward(given.x, given.weights, given.shape, forward, dz);
    const results: Outcome[] = [];
    for (const device of [whole, small]) {
      const got = await run(await device(), given);
      assertCode(got.codes[0], given.code, "larger");
      assertGradients(got, wanted, "larger");
      results.push(got);
    }
    assert.deepEqual(results.map(({ buffers }) => buffers), [1, 2]);
    assert.deepEqual(
      { ...results[1], buffers: 1 },
      results[0],
      "bits differ when matrices are split",
    );
  });
}

Deno.test("a second code of twice k adds its gradients", async () => {
  const given = PKM_CASES.find((c) => c.name === "a bias a latent, padded")!;
  const got = await run(await whole(), given, [1, 2]);
  const each = [1, 2].map((times) => {
    const forward = pkmForward(given.x, given.weights, given.shape, times * given.k);
    const dz = valueGradients(forward.code, given);
    return { forward, ...pkmBackward(given.x, given.weights, given.shape, forward, dz) };
  });
  each.forEach(({ forward }, i) => assertCode(got.codes[i], forward.code, `code ${i}`));
  const add = (a: Float64Array, b: Float64Array) => a.map((v, i) => v + b[i]);
  const [one, two] = each;
  assertGradients(got, {
    keys: one.keys.map((row, i) => add(row, two.keys[i])),
    keyBias: add(one.keyBias, two.keyBias),
    latentBias: add(one.latentBias, two.latentBias),
    inputSum: add(one.inputSum, two.inputSum),
  }, "both codes");
});

Deno.test("pkmCoder() refuses more sub-keys than a binding holds scores of 64 rows", async () => {
  const gpu = await split();
  const space = createWorkspace(gpu, { rows: 8, dIn: 4, dOut: 4, dSae: 10000 });
  const grid = planKeyGrid(10000);
  const make = () =>
    pkmCoder(gpu, space, {
      grid,
      keys: createParameter(gpu, "W_keys", grid.m1 + grid.m2, 4),
      keyBias: createParameter(gpu, "b_keys", 1, grid.m1 + grid.m2),
      kMax: 4,
    });
  assert.throws(make, (error) => error instanceof SdmError && /64 rows of 200/.test(error.message));
});

Deno.test("planKeyGrid() has no empty places where the latents have near divisors, no idle sub-keys ever", () => {
  const sides = (latents: number, m1?: number) => {
    const grid = planKeyGrid(latents, 1, m1);
    return [grid.m1, grid.m2];
  };
  assert.deepEqual(sides(65536), [256, 256]);
  assert.deepEqual(sides(18432), [128, 144]);
  assert.deepEqual(sides(32768), [128, 256]);
  assert.deepEqual(sides(24576), [128, 192]);
  assert.deepEqual(sides(37), [6, 7]);
  assert.deepEqual(sides(1), [1, 1]);
  assert.deepEqual(sides(2), [1, 2]);
  assert.deepEqual(sides(3072, 32), [32, 96]);
  assert.deepEqual(sides(10, 7), [5, 2]);
  for (let latents = 1; latents < 3000; latents++) {
    const { m1, m2 } = planKeyGrid(latents);
    assert.ok(m1 * m2 >= latents && (m1 - 1) * m2 < latents, `${latents}: ${m1} x ${m2}`);
    assert.ok(m1 + m2 <= 2.6 * Math.sqrt(latents) + 1, `${latents}: ${m1} x ${m2}`);
  }
});
