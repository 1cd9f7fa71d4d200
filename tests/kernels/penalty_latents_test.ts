import assert from "assert";
import { STEP } from "../../lib/kernels/common.ts";
import { penaltyLatents } from "../../lib/kernels/penalty_latents.ts";
import {
  penaliseEntries,
  type PenaltyForm,
  tanhMeans,
} from "../../lib/reference/penalise_entries.ts";
import { normGradient, quadPenalty } from "../../lib/reference/penalty_latents.ts";
import { byLatent } from "./by_latent.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { awkwardCodes, vector } from "./samples.ts";

const FORMS: PenaltyForm[] = [
  { kind: "l1" },
  { kind: "lp_norm", p: 1.5 },
  { kind: "power", p: 0.5 },
  { kind: "tanh", scale: 4 },
  { kind: "tanh_quad", scale: 4, frequency: 0.01 },
];
const COEFFICIENT = Math.fround(0.3);

function normsFor(latents: number): Float64Array {
  const norms = vector(latents, { seed: 5 }).map(Math.abs);
  // A decoder row of length zero has no direction to be pushed in.
  if (latents > 2) norms[1] = 0;
  return norms;
}

function weightCases(form: PenaltyForm): KernelCase[] {
  return awkwardCodes().map(({ name, latents, k, code }) => ({
    name: `${form.kind}, ${name}`,
    build(bench) {
      const norms = normsFor(latents);
      const means = tanhMeans(code, 4, latents, norms).map(Math.fround);
      const values = penaliseEntries(code, form, { coefficient: 1, norms }).values.map(Math.fround);
      const step = new Float32Array(STEP.words);
      step[STEP.exponent] = "p" in form ? form.p : 0;
      const weights = bench.output("weights", latents);
      return {
        commands: [penaltyLatents.recordWeights(bench.gpu, {
          code: byLatent(bench, code, latents, k, ["offsets", "placed"]),
          rows: code.length,
          form,
          norms: bench.floats("norms", norms),
          means: bench.floats("means", [...means].flatMap((a) => [a, NaN])),
          values: bench.floats("values", values.flatMap((v) => [v, NaN])),
          coefficient: { buffer: bench.floats("coefficients", [COEFFICIENT]), word: 0 },
          step: bench.floats("step", step),
          weights,
        })],
        verify() {
          const options = { coefficient: COEFFICIENT, norms, means, values };
          const wanted = normGradient(code, form, options).map((g, l) =>
            norms[l] ? g / norms[l] : 0
          );
          const bounds = wanted.map((v) => (sumError(code.length) + 300 * EPS) * v);
          assertClose(bench.floatsOf(weights), wanted, bounds, "weight of latent");
        },
      };
    },
  }));
}

for (const form of FORMS) {
  Deno.test(`penaltyLatents sends ${form.kind} to decoder norms`, () =>
    checkKernel(weightCases(form)));
}

const meanCases: KernelCase[] = awkwardCodes().map(({ name, latents, k, code }) => ({
  name,
  build(bench) {
    const norms = normsFor(latents);
    const means = bench.output("means", latents * 2);
    return {
      commands: [penaltyLatents.recordMeans(bench.gpu, {
        code: byLatent(bench, code, latents, k, ["offsets", "placed"]),
        rows: code.length,
        form: { kind: "tanh_quad", scale: 4, frequency: 0.01 },
        norms: bench.floats("norms", norms),
        means,
      })],
      verify() {
        const wanted = tanhMeans(code, 4, latents, norms);
        const got = bench.floatsOf(means);
        const bounds = wanted.map((v) => (sumError(code.length) + 20 * EPS) * (v + 1e-3));
        assertClose(got.filter((_, i) => i % 2 === 0), wanted, bounds, "mean of latent");
        const terms = wanted.map((a) => a * (1 + a / 0.01));
        const bound = terms.map((t, l) => bounds[l] * (1 + 200 * wanted[l]) + 4 * EPS * t);
        assertClose(got.filter((_, i) => i % 2 === 1), terms, bound, "term of latent");
      },
    };
  },
}));

Deno.test("penaltyLatents averages tanh over the batch", () => checkKernel(meanCases));

Deno.test("the gradient of norms is the finite difference of the penalty", () => {
  const { code, latents } = awkwardCodes()[2];
  const norms = vector(latents, { seed: 5 }).map((v) => Math.abs(v) + 0.1);
  const step = 1e-6;
  for (const form of FORMS) {
    const total = (ns: Float64Array) => {
      if (form.kind === "tanh_quad") {
        return COEFFICIENT * quadPenalty(tanhMeans(code, form.scale, latents, ns), form.frequency);
      }
      const { values } = penaliseEntries(code, form, { coefficient: 1, norms: ns });
      return COEFFICIENT * values.reduce((s, v) => s + v, 0) / code.length;
    };
    const { values } = penaliseEntries(code, form, { coefficient: 1, norms });
    const means = tanhMeans(code, 4, latents, norms);
    const got = normGradient(code, form, { coefficient: COEFFICIENT, norms, means, values });
    for (let l = 0; l < latents; l += 7) {
      const moved = (by: number) => norms.map((n, i) => i === l ? n + by : n);
      const wanted = (total(moved(step)) - total(moved(-step))) / (2 * step);
      assert.ok(
        Math.abs(got[l] - wanted) < 1e-7 + 1e-5 * wanted,
        `${form.kind} ${l}: ${got[l]}, ${wanted}`,
      );
    }
  }
});
