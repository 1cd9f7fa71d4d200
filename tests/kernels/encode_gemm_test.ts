import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { ROW_UNIT } from "../../lib/gpu/rows.ts";
import { encodeGemm } from "../../lib/kernels/encode_gemm.ts";
import { encodeGemm as reference } from "../../lib/reference/encode_gemm.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { assertCloseRows, checkKernel, type KernelCase, scaled, sumError } from "./check_kernel.ts";
import { asHardware, split, whole, withoutSubgroups } from "./device.ts";
import { matrix, sizes, vector } from "./samples.ts";

interface Shape {
  rows: number;
  latents: number;
  d: number;
}

const SHAPES: Shape[] = [
  { rows: 1, latents: 1, d: 1 },
  { rows: 37, latents: 131, d: 5 },
  { rows: 64, latents: 64, d: 64 },
  { rows: 65, latents: 65, d: 33 },
  { rows: 129, latents: 300, d: 20 },
];

/** One panel a buffer of w, of all its latents. */
const cases: KernelCase[] = SHAPES.map(({ rows, latents, d }, i) => ({
  name: `${rows} x ${latents}, d ${d}`,
  build(bench) {
    const x = matrix(rows, d, { seed: i, wide: i === 1 });
    const w = matrix(latents, d, { seed: 10 + i });
    const bias = vector(latents, { seed: 20 + i, scale: 3 });
    const panels = bench.rows("w", w).shards.map((shard, s) => {
      const panel = roundUp(shard.rows, ROW_UNIT);
      const scores = bench.scratch(`scores ${s}`, roundUp(rows, ROW_UNIT) * panel);
      return { shard, panel, scores };
    });
    const xOnDevice = bench.sheet("x", x).buffer;
    const biasOnDevice = bench.floats("bias", [...bias, ...new Float64Array(ROW_UNIT)]);
    const got = () =>
      x.map((_, r) =>
        Float64Array.from(
          panels.flatMap(({ shard, panel, scores }) =>
            Array.from(bench.floatsOf(scores).subarray(r * panel, r * panel + shard.rows))
          ),
        )
      );
    bench.compare("scores", () => bitsOf(got().flatMap((row) => Array.from(row))));
    return {
      commands: panels.flatMap(({ shard, panel, scores }) =>
        encodeGemm.record(bench.gpu, {
          rows,
          latents: shard.rows,
          d,
          x: xOnDevice,
          w: shard.buffer,
          firstLatent: 0,
          bias: biasOnDevice,
          firstBias: shard.firstRow,
          scores,
          panel,
        })
      ),
      verify() {
        const most = reference(sizes(x), sizes(w), bias.map(Math.abs));
        assertCloseRows(got(), reference(x, w, bias), scaled(most, sumError(d)), "score");
      },
    };
  },
}));

/** Several panels of one buffer, narrower than the rows of scores that they share; their scores scaled or not. */
const panelCases: KernelCase[] = [0, 5].map((firstFactor) => ({
  name: `second panel of a buffer${firstFactor ? ", with factors" : ""}`,
  build(bench) {
    const [rows, latents, d, first, width, panel] = [67, 320, 12, 128, 130, 256];
    const x = matrix(rows, d, { seed: 31 });
    const w = matrix(latents, d, { seed: 32 });
    const bias = vector(latents, { seed: 33 });
    const all = vector(firstFactor + width + 64, { seed: 34 });
    const factors = all.subarray(firstFactor, firstFactor + width);
    const scaledBy = (m: readonly Float64Array[], by: Float64Array) =>
      firstFactor ? m.map((row) => row.map((v, l) => v * by[l])) : m;
    const scores = bench.scratch("scores", roundUp(rows, ROW_UNIT) * panel);
    return {
      commands: encodeGemm.record(bench.gpu, {
        rows,
        latents: width,
        d,
        x: bench.sheet("x", x).buffer,
        w: bench.sheet("w", w).buffer,
        firstLatent: first,
        bias: bench.floats("bias", bias),
        firstBias: first,
        ...firstFactor && { factors: bench.floats("factors", all), firstFactor },
        scores,
        panel,
      }),
      verify() {
        const floats = bench.floatsOf(scores);
        const got = x.map((_, r) =>
          Float64Array.from(floats.subarray(r * panel, r * panel + width))
        );
        const part = w.slice(first, first + width);
        const biases = bias.slice(first, first + width);
        const most = scaledBy(
          reference(sizes(x), sizes(part), biases.map(Math.abs)),
          factors.map(Math.abs),
        );
        const wanted = scaledBy(reference(x, part, biases), factors);
        assertCloseRows(got, wanted, scaled(most, sumError(d)), "score");
        const beyond = floats.subarray(roundUp(width, ROW_UNIT), panel);
        assert.ok(beyond.every(Number.isNaN), "scores beyond the panel's tiles were written");
      },
    };
  },
}));

/** Asymmetric integers: a transposed or shifted operand gives another integer. */
const integerCase: KernelCase = {
  name: "integers",
  build(bench) {
    const [rows, latents, d] = [5, 9, 6];
    const x = Array.from(
      { length: rows },
      (_, r) => Float64Array.from({ length: d }, (_, c) => r * 7 + c),
    );
    const w = Array.from(
      { length: latents },
      (_, l) => Float64Array.from({ length: d }, (_, c) => l - 3 * c),
    );
    const bias = Float64Array.from({ length: latents }, (_, l) => 1000 * l);
    const scores = bench.scratch("scores", ROW_UNIT * ROW_UNIT);
    return {
      commands: encodeGemm.record(bench.gpu, {
        rows,
        latents,
        d,
        x: bench.sheet("x", x).buffer,
        w: bench.sheet("w", w).buffer,
        firstLatent: 0,
        bias: bench.floats("bias", [...bias, ...new Float64Array(ROW_UNIT)]),
        firstBias: 0,
        scores,
        panel: ROW_UNIT,
      }),
      verify() {
        const floats = bench.floatsOf(scores);
        reference(x, w, bias).forEach((row, r) =>
          assert.deepEqual([...floats.subarray(r * ROW_UNIT, r * ROW_UNIT + latents)], [...row])
        );
      },
    };
  },
};

function variantOn(gpu: Gpu): string {
  return encodeGemm.plan(SHAPES[1], gpu.facts).variant;
}

Deno.test("encodeGemm scores every row and latent, by the variant that the device gets", async () => {
  const { facts } = await whole();
  // CI has a software adapter with subgroups of 8 or 16.
  const lanes = facts.subgroupSize;
  const software = lanes > 8 ? "texels 64" : lanes > 0 ? "texels 32" : "registers";
  const expected = facts.software ? software : "staged 8x4";
  assert.equal(variantOn(await whole()), expected);
  assert.equal(variantOn(await split()), expected);
  await checkKernel([...cases, ...panelCases, integerCase]);
});

Deno.test("encodeGemm scores every row and latent in registers", async () => {
  const { facts } = await withoutSubgroups();
  const open = async () => ({ ...await withoutSubgroups(), facts: { ...facts, software: true } });
  assert.equal(variantOn(await open()), "registers");
  await checkKernel([...cases, ...panelCases, integerCase], [open]);
});

/** A device that was found to be fastest with a variant. */
function tuned(open: () => Promise<Gpu>, variant: string): () => Promise<Gpu> {
  return async () => {
    const gpu = await open();
    const device = { ...gpu, facts: { ...gpu.facts, tuning: { encode_gemm: variant } } };
    assert.equal(variantOn(device), variant);
    return device;
  };
}

Deno.test("encodeGemm scores every row and latent through workgroup memory, with the same bits", async () => {
  assert.equal(variantOn(await asHardware()), "staged 8x4");
  await checkKernel([...cases, ...panelCases, integerCase], [
    asHardware,
    tuned(asHardware, "staged 8x8"),
  ]);
});

Deno.test("encodeGemm gives the same bits by every variant of this device", async () => {
  const { facts } = await whole();
  const names = encodeGemm.variants(facts).map(({ name }) => name);
  await checkKernel(
    [...cases, ...panelCases, integerCase],
    names.map((name) => tuned(whole, name)),
  );
});
