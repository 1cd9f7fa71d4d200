import assert from "assert";
import { EFFECTS, preActGradient } from "../../lib/kernels/pre_act_gradient.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { preActGradient as reference } from "../../lib/reference/pre_act_gradient.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, vector } from "./samples.ts";

const LAMBDA = Math.fround(0.02);

function cases(scaled: boolean, log: boolean, deadOnly: boolean): KernelCase[] {
  return [[1, 1], [37, 131], [64, 70]].map(([rows, latents], i) => ({
    name: `${rows} rows, ${latents} latents`,
    build(bench) {
      const scores = matrix(rows, latents, { seed: i });
      const thresholds = vector(latents, { seed: 30 + i }).map(Math.abs);
      const norms = vector(latents, { seed: 40 + i }).map((v) => Math.fround(Math.abs(v) + 0.1));
      const isActive = (h: number, l: number) => (scaled ? h * norms[l] : h) > thresholds[l];
      const since = thresholds.map((_, l) => l % 3 ? 5 : 100 + l);
      if (deadOnly) {
        scores.forEach((row) => row.forEach((_, l) => since[l] >= 100 && (row[l] -= 9)));
      }
      const offsets = new Uint32Array(latents + 1);
      thresholds.forEach((_, l) => {
        offsets[l + 1] = offsets[l] + scores.filter((row) => isActive(row[l], l)).length;
      });
      const inactive = columnSums(scores.map((row) => row.map((h, l) => isActive(h, l) ? 0 : h)));
      const deficits = thresholds.map((t, l) =>
        (rows - (offsets[l + 1] - offsets[l])) * t - inactive[l] * (scaled ? norms[l] : 1)
      );
      const before = vector(latents, { seed: 50 });
      const step = new Float32Array(STEP.words);
      step[STEP.preActCoefficient] = LAMBDA;
      const effects = bench.output("effects", latents * EFFECTS.words);
      const gradBias = bench.state("grad bias", bitsOf(before));
      const gradThreshold = bench.state("grad threshold", bitsOf(before));
      return {
        commands: [preActGradient.record(bench.gpu, {
          rows,
          latents,
          deficits: bench.floats(
            "deficits",
            [...deficits].flatMap((v, l) => [v, inactive[l], log ? thresholds[l] : 1, NaN]),
          ),
          norms: bench.floats("norms", norms),
          scaled,
          offsets: bench.words("offsets", offsets),
          dead: deadOnly ? { sinceFired: bench.words("since", since), after: 100 } : undefined,
          step: bench.floats("step", step),
          effects,
          gradBias,
          gradThreshold,
        })],
        verify() {
          const takesPart = (l: number) => !deadOnly || since[l] >= 100;
          const wanted = reference(scores, thresholds, norms, {
            lambda: LAMBDA,
            scaled,
            takesPart,
          });
          const got = bench.floatsOf(effects);
          const word = (w: number) => got.filter((_, j) => j % EFFECTS.words === w);
          const loose = (v: number) => (sumError(rows) + 8 * EPS) * Math.abs(v);
          // A derivative by the scores is the same in all inactive rows; active ones get theirs from dz.
          const dense = norms.map((n, l) => takesPart(l) ? -LAMBDA / rows * n : 0);
          assertClose(word(EFFECTS.encoder), dense, dense.map(loose), "encoder weight");
          const own = wanted.byNorm.map((v, l) => v / norms[l]);
          const most = columnSums(scores.map((row) => row.map(Math.abs)))
            .map((v, l) => LAMBDA / rows * (v + rows * thresholds[l]) / norms[l]);
          assertClose(word(EFFECTS.decoder), own, most.map(loose), "decoder weight");
          const sum = word(EFFECTS.loss).reduce((s, v) => s + v, 0);
          assert.ok(Math.abs(sum - wanted.loss) <= 1e-5 * Math.abs(wanted.loss), `${sum}`);
          const bias = columnSums(wanted.byScore);
          const corrected = bias.map((v, l) =>
            takesPart(l)
              ? before[l] + v - LAMBDA / rows * norms[l] * (offsets[l + 1] - offsets[l])
              : before[l]
          );
          assertClose(
            bench.floatsOf(gradBias),
            corrected,
            corrected.map((v, l) => loose(v) + loose(LAMBDA * norms[l])),
            "gradient of bias",
          );
          const threshold = wanted.byThreshold.map((v, l) =>
            before[l] + v * (log ? thresholds[l] : 1)
          );
          assertClose(
            bench.floatsOf(gradThreshold),
            threshold,
            threshold.map((v, l) => loose(v) + loose(before[l])),
            "gradient of threshold",
          );
        },
      };
    },
  }));
}

Deno.test("preActGradient of all latents", () => checkKernel(cases(false, false, false)));

Deno.test("preActGradient of dead latents, by logarithms", () =>
  checkKernel(cases(false, true, true)));

Deno.test("preActGradient of scores times norms", () => checkKernel(cases(true, false, false)));

Deno.test("the pre-activation loss has the golden terms of the specification", () => {
  // h = [[.2, 1.2], [.9, -.5]], θ = [.5, 1], norms [1, 2]: [[.3, 0], [0, 3]], section 4.4.
  const scores = [Float64Array.of(0.2, 1.2), Float64Array.of(0.9, -0.5)];
  const got = reference(scores, [0.5, 1], [1, 2], { lambda: 2, scaled: false });
  assert.ok(Math.abs(got.loss - 3.3) < 1e-12);
  assert.deepEqual(got.byScore.map((row) => [...row].map((v) => v + 0)), [[-1, 0], [0, -2]]);
  assert.deepEqual([...got.byThreshold], [1, 2]);
  assert.deepEqual([...got.byNorm].map((v) => Math.round(v * 1e12) / 1e12), [0.3, 1.5]);
});

Deno.test("the derivatives of the pre-activation loss are its finite differences", () => {
  const scores = matrix(5, 4, { seed: 2 });
  const [thresholds, norms] = [
    vector(4, { seed: 3 }).map(Math.abs),
    vector(4, { seed: 4 }).map(Math.abs),
  ];
  for (const scaled of [false, true]) {
    const loss = () => reference(scores, thresholds, norms, { lambda: 0.3, scaled }).loss;
    const got = reference(scores, thresholds, norms, { lambda: 0.3, scaled });
    const check = (v: Float64Array, g: Float64Array) =>
      v.forEach((kept, i) => {
        v[i] = kept + 1e-6;
        const above = loss();
        v[i] = kept - 1e-6;
        const wanted = (above - loss()) / 2e-6;
        v[i] = kept;
        assert.ok(Math.abs(g[i] - wanted) < 1e-8, `${i}: ${g[i]}, ${wanted}`);
      });
    check(thresholds, got.byThreshold);
    check(norms, got.byNorm);
    scores.forEach((row, r) => check(row, got.byScore[r]));
  }
});
