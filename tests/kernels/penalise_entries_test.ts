import assert from "assert";
import { STEP } from "../../lib/kernels/common.ts";
import { penaliseEntries } from "../../lib/kernels/penalise_entries.ts";
import {
  penaliseEntries as reference,
  type PenaltyForm,
  penaltyOf,
  slopeOf,
  tanhMeans,
} from "../../lib/reference/penalise_entries.ts";
import type { Code } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { awkwardCodes, numbersFor, vector } from "./samples.ts";

const FORMS: PenaltyForm[] = [
  { kind: "l1" },
  { kind: "lp_norm", p: 1.5 },
  { kind: "power", p: 0.5 },
  { kind: "tanh", scale: 4 },
  { kind: "tanh_quad", scale: 4, frequency: 0.01 },
];
const NEXT = 0.4;
const COEFFICIENT = 0.3;

/** A few entries so small, so large or zero that slopes would be infinite or functions overflow. */
function extremes(code: Code): Code {
  return code.map((row, r) =>
    row.map((e, i) => (r + i) % 6 === 0 ? { ...e, value: [0, 1e-9, 3e4][(r + i) % 3] } : e)
  );
}

function cases(form: PenaltyForm, variant: { norms: boolean; writes: boolean }): KernelCase[] {
  return awkwardCodes().map(({ name, latents, k, code: plain }, i) => ({
    name: `${form.kind}, ${name}`,
    build(bench) {
      const code = i % 2
        ? extremes(plain).map((r) => r.map((e) => ({ ...e, value: Math.fround(e.value) })))
        : plain;
      const rows = code.length;
      const norms = variant.norms ? vector(latents, { seed: 5 }).map(Math.abs) : undefined;
      const before = numbersFor(code);
      const scale = "scale" in form ? form.scale : 0;
      const means = tanhMeans(code, scale, latents, norms).map(Math.fround);
      const step = new Float32Array(STEP.words);
      step[STEP.exponent] = "p" in form ? form.p : 0;
      step[STEP.nextExponent] = NEXT;
      const given = code.map((_, r) => Math.fround(1.5 + r));
      const byRow = bench.code(code, k);
      const dz = new Uint32Array(rows * byRow.capacity).fill(0x7fc0dead);
      before.forEach((row, r) => dz.set(bitsOf(row), r * byRow.capacity));
      const values = variant.writes
        ? bench.output("values", rows * 2)
        : bench.state("values", bitsOf(given.flatMap((v) => [v, 0])));
      const grown = { ...byRow, dz: bench.state("grown dz", dz) };
      return {
        commands: [penaliseEntries.record(bench.gpu, {
          code: grown,
          form,
          norms: norms && bench.floats("norms", norms),
          means: bench.floats("means", [...means].flatMap((a) => [a, NaN])),
          coefficient: { buffer: bench.floats("coefficients", [9, COEFFICIENT]), word: 1 },
          step: bench.floats("step", step),
          values,
          writesValues: variant.writes,
        })],
        verify() {
          const wanted = reference(code, form, {
            coefficient: Math.fround(COEFFICIENT),
            norms,
            means,
            values: variant.writes ? undefined : given,
          });
          const got = bench.floatsOf(grown.dz);
          code.forEach((row, r) => {
            const at = r * grown.capacity;
            assertClose(
              got.subarray(at, at + row.length),
              row.map((_, e) => before[r][e] + wanted.dz[r][e]),
              // A power is exp2 of a product with a logarithm: its error grows with the exponent's size.
              row.map((_, e) => 300 * EPS * wanted.dz[r][e] + EPS * Math.abs(before[r][e])),
              `dz of row ${r}, entry`,
            );
          });
          const found = bench.floatsOf(values);
          if (!variant.writes) return assert.deepEqual([...found], given.flatMap((v) => [v, 0]));
          if (form.kind === "tanh_quad") return;
          assertClose(
            found.filter((_, j) => j % 2 === 0),
            wanted.values,
            wanted.values.map((v, r) => (sumError(code[r].length) + 100 * EPS) * v),
            "value of row",
          );
          if (form.kind !== "power") return;
          const later = reference(code, { kind: "power", p: NEXT }, { coefficient: 0, norms });
          assertClose(
            found.filter((_, j) => j % 2 === 1),
            later.values,
            later.values.map((v, r) => (sumError(code[r].length) + 100 * EPS) * v),
            "next value of row",
          );
        },
      };
    },
  }));
}

for (const form of FORMS) {
  Deno.test(`penaliseEntries adds the slope of ${form.kind}, a thread or a team a row`, async () => {
    await checkKernel(cases(form, { norms: true, writes: true }), [whole, split]);
    await checkKernel(cases(form, { norms: false, writes: true }), [asHardware]);
    await checkKernel(cases(form, { norms: true, writes: false }), [whole]);
  });
}

Deno.test("the slopes are finite differences of the penalties", () => {
  const us = [0.3, 1.2, 0.05];
  const step = 1e-6;
  for (const form of FORMS) {
    us.forEach((u, i) => {
      const at = (v: number) => us.map((w, j) => j === i ? v : w);
      if (form.kind === "tanh_quad") {
        // One latent with these values in three rows.
        const value = (all: number[]) => {
          const a = all.reduce((s, v) => s + Math.tanh(form.scale * v), 0) / all.length;
          return a * (1 + a / form.frequency);
        };
        const mean = us.reduce((s, v) => s + Math.tanh(form.scale * v), 0) / us.length;
        const wanted = (value(at(u + step)) - value(at(u - step))) / (2 * step);
        assert.ok(Math.abs(slopeOf(form, u, 0, mean) / us.length - wanted) < 1e-6 * wanted);
        return;
      }
      const wanted = (penaltyOf(form, at(u + step)) - penaltyOf(form, at(u - step))) / (2 * step);
      const got = slopeOf(form, u, penaltyOf(form, us), 0);
      assert.ok(
        Math.abs(got - wanted) < 1e-6 * Math.abs(wanted),
        `${form.kind}: ${got}, ${wanted}`,
      );
    });
  }
});

Deno.test("tanh has the golden values of the specification", () => {
  // h = [[.2, 1.2], [.9, -.5]], thresholds [.5, 1], norms [1, 2], c = 4, two rows: section 4.4.
  const code: Code = [[{ latent: 1, value: 1.2 }], [{ latent: 0, value: 0.9 }]];
  const { dz, values } = reference(code, { kind: "tanh", scale: 4 }, {
    coefficient: 1,
    norms: [1, 2],
  });
  assert.ok(Math.abs((values[0] + values[1]) / 2 - 0.99925397) < 5e-9);
  // The specification has 0.00596405, a finite difference; the derivative is 2 sech²(3.6) = 0.00596378.
  assert.ok(Math.abs(dz[1][0] - 0.00596405) < 5e-7);
  assert.ok(Math.abs(dz[1][0] - 0.00596378) < 5e-9);
  // [0][1] is 2 · 4 · sech²(9.6) / 2, which the specification rounds to 0.
  assert.ok(dz[0][0] < 1e-7);
});
