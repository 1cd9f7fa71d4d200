import assert from "assert";
import { thresholdGradient } from "../../lib/kernels/threshold_gradient.ts";
import { penaliseEntries } from "../../lib/reference/penalise_entries.ts";
import { jump, thresholdGradient as reference } from "../../lib/reference/threshold_gradient.ts";
import { placeEntries } from "../../lib/reference/place_entries.ts";
import { byLatent, packPlaced } from "./by_latent.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { awkwardCodes, numbersFor, vector } from "./samples.ts";

const WINDOW = Math.fround(0.7);
const STEP = Math.fround(0.4);

function cases(
  variant: { step: boolean; norms: boolean; log: boolean; toInput: boolean },
): KernelCase[] {
  return awkwardCodes().map(({ name, latents, k, code }) => ({
    name,
    build(bench) {
      const thresholds = vector(latents, { seed: 3 }).map(Math.abs);
      const norms = vector(latents, { seed: 4 }).map((v) => Math.fround(Math.abs(v) + 0.1));
      const dz = numbersFor(code);
      const grad = bench.output("grad", latents);
      const list = byLatent(bench, code, latents, k, ["offsets", "placed"], dz);
      const placed = bench.state("placed in and out", packPlaced(code, latents, k, dz));
      const byRow = bench.code(code, k);
      const options = {
        window: WINDOW,
        step: variant.step ? STEP : undefined,
        norms: variant.norms ? norms : undefined,
        log: variant.log,
      };
      return {
        commands: [thresholdGradient.record(bench.gpu, {
          code: { ...list, placed },
          rows: code.length,
          thresholds: bench.floats("thresholds", thresholds),
          window: WINDOW,
          step: variant.step ? { buffer: bench.floats("c", [0, 0, STEP]), word: 2 } : undefined,
          norms: variant.norms ? bench.floats("norms", norms) : undefined,
          log: variant.log,
          toInput: variant.toInput,
          dz: byRow.dz,
          grad,
        })],
        verify() {
          const wanted = reference(code, dz, thresholds, options);
          const most = reference(code, dz.map((r) => r.map(Math.abs)), thresholds, options);
          const bounds = most.grad.map((v) => (sumError(code.length) + 8 * EPS) * Math.abs(v));
          assertClose(bench.floatsOf(grad), wanted.grad, bounds, "gradient of latent");
          const words = new Float32Array(bench.wordsOf(placed).buffer);
          placeEntries(code, latents).flat().forEach(({ row, place }, i) => {
            const here = variant.toInput ? wanted.toInput[row][place] : dz[row][place];
            const bound = 8 * EPS * Math.abs(most.toInput[row][place]);
            assertClose([words[4 * i + 2]], [here], [bound], `dz of entry ${i}`);
            const found = bench.floatsOf(byRow.dz)[row * byRow.capacity + place];
            if (variant.toInput) assert.equal(found, words[4 * i + 2], "dz by row");
            else assert.ok(Number.isNaN(found), "dz by row is untouched");
          });
        },
      };
    },
  }));
}

const plain = { step: false, norms: false, log: false, toInput: false };

Deno.test("thresholdGradient by thresholds, without and with a penalty on the number", async () => {
  await checkKernel(cases(plain));
  await checkKernel(cases({ ...plain, step: true }));
});

Deno.test("thresholdGradient by logarithms, of scores times norms, to the input", async () => {
  await checkKernel(cases({ ...plain, step: true, log: true }));
  await checkKernel(cases({ step: true, norms: true, log: false, toInput: true }));
});

Deno.test("jump has the golden values of the specification", () => {
  // θ = 1, window 0.5: section 4.1.
  const got = [-0.3, 0.05, 0.9, 1.05, 1.6, 3].map((h) => jump(h, 1, 0.5));
  assert.deepEqual(got.map((j) => j.f), [0, 0, 0, 1.05, 1.6, 3]);
  assert.deepEqual(got.map((j) => j.dfByScore), [0, 0, 0, 1, 1, 1]);
  assert.deepEqual(got.map((j) => j.dfByThreshold + 0), [0, 0, -2, -2, 0, 0]);
  assert.deepEqual(got.map((j) => j.dStepByThreshold + 0), [0, 0, -2, -2, 0, 0]);
});

Deno.test("thresholds feel the tanh penalty of active and inactive entries, golden", () => {
  // h = [[.2, 1.2], [.9, -.5]], θ = [.5, 1], norms [1, 2], window 2, c = 4: section 4.4.
  const window = [
    [{ latent: 0, value: 0 }, { latent: 1, value: 1.2 }],
    [{ latent: 0, value: 0.9 }],
  ];
  const form = { kind: "tanh", scale: 4 } as const;
  const { dz } = penaliseEntries(window, form, { coefficient: 1, norms: [1, 2] });
  const raw = reference(window, dz, [0.5, 1], { window: 2 }).grad;
  const log = reference(window, dz, [0.5, 1], { window: 2, log: true }).grad;
  assert.ok(Math.abs(raw[0] - -0.501491) < 5e-7, `${raw[0]}`);
  assert.ok(Math.abs(log[0] - -0.250746) < 1e-6, `${log[0]}`);
  // -(1 / 2) · 8 sech²(9.6) / 2: the specification rounds it to 0.
  assert.ok(Math.abs(raw[1]) < 1e-7 && Math.abs(log[1]) < 1e-7);
});
