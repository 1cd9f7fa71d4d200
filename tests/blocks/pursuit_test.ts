/** Both forms of a matching pursuit on the GPU against the float64 pursuit: picks, codes, residuals, gradients. */
import assert from "assert";
import { type PursuitCoder, pursuitCoder } from "../../lib/blocks/coders/pursuit.ts";
import type { PursuitStops } from "../../lib/blocks/coders/pursuit_forms.ts";
import { rowsDecoder } from "../../lib/blocks/decoders/rows.ts";
import { lossOptions } from "../../lib/blocks/losses/reconstruction.ts";
import { createParameter, createSite, createWorkspace, gradOf } from "../../lib/blocks/types.ts";
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readSlices } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import {
  matchingPursuit,
  matchingPursuitGradients,
  type PursuitSettings,
} from "../../lib/reference/matching_pursuit.ts";
import { normaliseRows } from "../../lib/reference/normalise_rows.ts";
import { normGradient } from "../../lib/reference/norm_gradient.ts";
import { pursuitFinish } from "../../lib/reference/pursuit_finish.ts";
import { dot, type Entry, type Matrix } from "../../lib/reference/types.ts";
import { whole, withoutSubgroups } from "../kernels/device.ts";
import { matrix, vector } from "../kernels/samples.ts";

interface Case extends Partial<PursuitStops> {
  name: string;
  x: Matrix;
  w: Matrix;
  bias: Float64Array;
  iterations: number;
  /** Word k of `step`; as many as there is room for when absent. */
  k?: number;
  normaliseOnAccess?: boolean;
}

const FORMS = ["gram", "residual"] as const;
type Form = typeof FORMS[number];

const rows = (...m: number[][]): Matrix => m.map((row) => Float64Array.from(row));
const f32 = (m: Matrix) => m.map((row) => row.map(Math.fround));

/** Unit rows to float32. */
const unit = (count: number, d: number, seed: number) =>
  f32(normaliseRows(matrix(count, d, { seed })));

const EXAMPLE: Case = {
  name: "the spec's example",
  x: rows([1, 0.5]),
  w: f32(rows([1, 0], [0.54, 0.72], [0, 0.5])),
  bias: new Float64Array(2),
  iterations: 2,
};

const CASES: Case[] = [
  EXAMPLE,
  {
    name: "static",
    x: matrix(70, 19, { seed: 1 }),
    w: unit(131, 19, 2),
    bias: vector(19, { seed: 3, scale: 0.2 }),
    iterations: 7,
  },
  {
    name: "static, wide",
    x: matrix(40, 100, { seed: 31 }),
    w: unit(131, 100, 32),
    bias: vector(100, { seed: 33, scale: 0.2 }),
    iterations: 7,
  },
  {
    name: "fewer picks than there is room for",
    x: matrix(9, 12, { seed: 4 }),
    w: unit(67, 12, 5),
    bias: vector(12, { seed: 6, scale: 0.2 }),
    iterations: 6,
    k: 3,
  },
  {
    name: "rows that repeat latents",
    x: matrix(40, 6, { seed: 7 }),
    w: unit(9, 6, 8),
    bias: vector(6, { seed: 9, scale: 0.1 }),
    iterations: 10,
  },
  {
    name: "dynamic by both rules, rows of other lengths",
    x: matrix(66, 16, { seed: 10 }),
    w: matrix(90, 16, { seed: 11, scale: 0.2 }),
    bias: vector(16, { seed: 12, scale: 0.2 }),
    iterations: 24,
    mode: "dynamic",
    residualThreshold: 1.5,
    stopOnDuplicateSupport: true,
  },
  {
    name: "dynamic by length alone",
    x: matrix(30, 16, { seed: 13 }),
    w: unit(130, 16, 14),
    bias: new Float64Array(16),
    iterations: 40,
    mode: "dynamic",
    residualThreshold: 0.9,
  },
  {
    name: "negative picks",
    x: matrix(33, 10, { seed: 15 }).map((row) => row.map((v) => -Math.abs(v))),
    w: unit(20, 10, 16).map((row) => row.map(Math.abs)),
    bias: new Float64Array(10),
    // A second pick would be of what rounding has left of the first.
    iterations: 1,
    relu: false,
  },
  {
    // Rows longer than 1 take off more than there is.
    name: "picks of either sign",
    x: matrix(33, 10, { seed: 15 }),
    w: unit(3, 10, 16).map((row) => row.map((v) => Math.fround(1.3 * v))),
    bias: new Float64Array(10),
    iterations: 3,
    relu: false,
  },
  {
    name: "rows divided by their lengths on access",
    x: matrix(37, 13, { seed: 17 }),
    w: matrix(70, 13, { seed: 18, scale: 0.4 }),
    bias: vector(13, { seed: 19, scale: 0.2 }),
    iterations: 5,
    normaliseOnAccess: true,
  },
];

/** What the device makes of a case. */
async function run(gpu: Gpu, c: Case, form: Form) {
  const [count, d, latents] = [c.x.length, c.w[0].length, c.w.length];
  const space = createWorkspace(gpu, { rows: count, dIn: d, dOut: d, dSae: latents });
  const wDec = createParameter(gpu, "W_dec", latents, d);
  const bDec = createParameter(gpu, "b_dec", 1, d);
  const flat = (m: Matrix) => Float32Array.from(m.flatMap((row) => [...row]));
  writeRows(gpu, wDec.value, flat(c.w));
  writeRows(gpu, bDec.value, Float32Array.from(c.bias));
  const words = new Uint32Array(STEP.words);
  words[STEP.k] = c.k ?? c.iterations;
  gpu.device.queue.writeBuffer(space.step, 0, words);
  const coder = pursuitCoder(gpu, space, {
    mode: "static",
    residualThreshold: 0,
    stopOnDuplicateSupport: false,
    relu: true,
    ...c,
    wDec,
    inputBias: bDec,
    form,
  });
  const decoder = rowsDecoder(gpu, space, {
    wDec: { ...wDec, value: coder.rows },
    bDec,
    loss: lossOptions("sum_mean", { rows: count, dOut: d }),
  });
  const site = createSite(gpu, space, coder.codes[0], 0, latents);
  const inputGradient = createBuffer(gpu, space.x.stride * 4, "input gradient");
  const step = [
    ...coder.forward(),
    ...decoder.reconstruct(site),
    ...decoder.count(site),
    ...decoder.place(site),
    ...coder.backward([site], decoder),
    ...coder.inputGradient(inputGradient),
    ...decoder.biasGradient([site], inputGradient),
  ];
  // What the batch before has left must not show: other rows, which are shorter and so stop elsewhere.
  writeRows(gpu, space.x, flat(c.x.toReversed().map((row) => row.map((v) => 0.7 * v))));
  submit(gpu, step);
  writeRows(gpu, space.x, flat(c.x));
  submit(gpu, step);
  const { picks } = coder;
  const [latent, value, spans, entries, bias] = await readSlices(gpu, [
    { buffer: picks.latents },
    { buffer: picks.values },
    { buffer: site.code.spans },
    { buffer: site.code.entries },
    { buffer: gradOf(bDec) },
  ]);
  return {
    plan: coder.plan,
    shards: wDec.value.shards.length,
    picks: listsOf(coder, new Uint32Array(latent), new Float32Array(value)),
    code: codeOf(count, new Uint32Array(spans), new Uint32Array(entries)),
    residual: await readRows(gpu, site.residual),
    w: await readRows(gpu, wDec.grad),
    bias: new Float32Array(bias).slice(0, d),
  };
}

function listsOf({ picks }: PursuitCoder, latents: Uint32Array, values: Float32Array): Entry[][] {
  return Array.from(
    { length: picks.rows },
    (_, r) =>
      Array.from({ length: picks.capacity }, (_, t) => r * picks.capacity + t)
        .filter((at) => values[at] !== 0)
        .map((at) => ({ latent: latents[at], value: values[at] })),
  );
}

function codeOf(count: number, spans: Uint32Array, entries: Uint32Array): Entry[][] {
  const values = new Float32Array(entries.buffer);
  return Array.from(
    { length: count },
    (_, r) =>
      Array.from({ length: spans[2 * r + 1] - spans[2 * r] }, (_, i) => spans[2 * r] + i)
        .map((e) => ({ latent: entries[2 * e], value: values[2 * e + 1] })),
  );
}

function settingsOf(c: Case): PursuitSettings {
  return {
    relu: c.relu ?? true,
    threshold: c.residualThreshold ?? 0,
    stopOnDuplicates: c.stopOnDuplicateSupport ?? false,
    iterations: c.k ?? c.iterations,
  };
}

/** What float64 makes of it. */
function wanted(c: Case) {
  const w = c.normaliseOnAccess ? normaliseRows(c.w) : c.w;
  const pursued = matchingPursuit(c.x, w, c.bias, settingsOf(c));
  const gradients = matchingPursuitGradients(pursued, w, -2 / c.x.length);
  return {
    ...pursued,
    bias: gradients.bias,
    w: c.normaliseOnAccess ? normGradient(c.w, gradients.w) : gradients.w,
  };
}

function near(got: ArrayLike<number>, want: ArrayLike<number>, bound: number, what: string): void {
  const scale = Math.max(1e-30, ...Array.from(want, Math.abs));
  assert.equal(got.length, want.length, what);
  for (let i = 0; i < want.length; i++) {
    const off = Math.abs(got[i] - want[i]) / scale;
    assert.ok(off <= bound, `${what} ${i} is ${got[i]}, not ${want[i]}`);
  }
}

async function check(gpu: Gpu, c: Case, form: Form): Promise<void> {
  const got = await run(gpu, c, form);
  assert.equal(got.plan.form, form);
  const want = wanted(c);
  const latents = (m: readonly (readonly Entry[])[]) => m.map((row) => row.map((e) => e.latent));
  const values = (m: readonly (readonly Entry[])[]) => m.flatMap((row) => row.map((e) => e.value));
  assert.deepEqual(latents(got.picks), latents(want.picks), `picks, ${form} form`);
  near(values(got.picks), values(want.picks), 1e-5, "value of pick");
  const { code } = pursuitFinish(want.picks);
  assert.deepEqual(latents(got.code), latents(code));
  near(values(got.code), values(code), 1e-5, "value of entry");
  const flat = (m: Matrix) => m.flatMap((row) => [...row]);
  near(got.residual, flat(want.residual), 1e-5, "residual");
  near(got.w, flat(want.w), 2e-5, "gradient of W_dec");
  near(got.bias, want.bias, 2e-5, "gradient of b_dec");
}

/** The same adapter with bindings of a few KiB: matrices and products are split, rows come in chunks. */
async function narrow(maxBindingBytes = 64 * 132 * 4): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes } };
}

for (const form of FORMS) {
  for (const c of CASES) {
    Deno.test(`a pursuit in ${form} form is the float64 one: ${c.name}`, async () => {
      await check(await whole(), c, form);
    });
  }

  Deno.test(`the spec's example in ${form} form`, async () => {
    const got = await run(await whole(), EXAMPLE, form);
    assert.deepEqual(got.picks[0].map((p) => p.latent), [0, 1]);
    near(got.picks[0].map((p) => p.value), [1, 0.36], 1e-6, "value");
    near(got.residual, [-0.1944, 0.2408], 1e-6, "residual");
    near(got.w, [0.925344, -0.151768, 0.139968, -0.241776, 0, 0], 2e-6, "gradient");
    near(got.bias, [0, -0.383104], 2e-6, "gradient of b_dec");
  });

  Deno.test(`splits, chunks and missing subgroups change no bits in ${form} form`, async () => {
    const chunks = { score: form === "residual", share: false, gathered: false };
    for (const c of CASES.filter(({ name }) => /static|both rules|on access/.test(name))) {
      const one = await run(await whole(), c, form);
      const split = await run(await narrow(), c, form);
      const { scoreRows, shareRows } = split.plan;
      chunks.score ||= scoreRows > 0 && scoreRows < c.x.length;
      chunks.share ||= shareRows < c.x.length;
      chunks.gathered ||= shareRows < c.x.length && split.shards > 1;
      const off = await run(await withoutSubgroups(), c, form);
      for (const other of [split, off]) {
        const how = { plan: undefined, shards: 0 };
        assert.deepEqual({ ...other, ...how }, { ...one, ...how }, c.name);
      }
    }
    assert.deepEqual(chunks, { score: true, share: true, gathered: true });
  });
}

Deno.test("both forms take the lowest of equal latents", async () => {
  const row = unit(1, 8, 20)[0];
  const w = [...unit(5, 8, 21), row, ...unit(60, 8, 22), row, row];
  const x = Array.from({ length: 4 }, (_, r) => row.map((v) => Math.fround(v * (r + 1))));
  for (const form of FORMS) {
    const c = { name: "", x, w, bias: new Float64Array(8), iterations: 1 };
    const { picks } = await run(await whole(), c, form);
    assert.deepEqual(picks.map((p) => p.map((e) => e.latent)), [[5], [5], [5], [5]]);
  }
});

Deno.test("the cases without ReLU have negative picks, and one has positive ones too", () => {
  const signs = CASES.filter(({ relu }) => relu === false).map((c) =>
    new Set(wanted(c).picks.flat().map(({ value }) => Math.sign(value))).size
  );
  assert.deepEqual(signs, [1, 2]);
});

Deno.test("the dynamic cases have rows that stop early and rows that do not, for each rule", () => {
  for (const c of CASES.filter(({ mode }) => mode === "dynamic")) {
    const { picks, residual } = wanted(c);
    const counts = picks.map((p) => p.length);
    assert.ok(new Set(counts).size > 2, `${c.name}: ${counts}`);
    assert.ok(counts.some((n) => n < c.iterations));
    const short = residual.map((r) => Math.sqrt(dot(r, r)) < c.residualThreshold!);
    assert.ok(short.includes(true), c.name);
    if (c.stopOnDuplicateSupport) assert.ok(short.includes(false), "some rows repeat a latent");
  }
});
