/** The pursuit of the references: the spec's example, the rules of stopping, and gradients against finite differences. */
import assert from "assert";
import {
  matchingPursuit,
  matchingPursuitGradients,
  type PursuitSettings,
} from "../../lib/reference/matching_pursuit.ts";
import { normaliseRows } from "../../lib/reference/normalise_rows.ts";
import { normGradient } from "../../lib/reference/norm_gradient.ts";
import { pursuitFinish } from "../../lib/reference/pursuit_finish.ts";
import { pursuitStep } from "../../lib/reference/pursuit_step.ts";
import { dot, type Matrix } from "../../lib/reference/types.ts";
import { matrix, vector } from "../kernels/samples.ts";

const rows = (...m: number[][]): Matrix => m.map((row) => Float64Array.from(row));
const STATIC = { relu: true, threshold: 0, stopOnDuplicates: false };

const exampleW = rows([1, 0], [0.54, 0.72], [0, 0.5]);
const exampleX = rows([1, 0.5]);

function near(got: ArrayLike<number>, wanted: ArrayLike<number>, bound: number, what: string) {
  assert.equal(got.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(Math.abs(got[i] - wanted[i]) <= bound, `${what} ${i}: ${got[i]}, not ${wanted[i]}`);
  }
}

function squares(m: Matrix): number {
  return m.reduce((sum, row) => sum + dot(row, row), 0);
}

Deno.test("the pursuit of the spec's example has its picks, its residual and its gradients", () => {
  const zero = new Float64Array(2);
  const pursued = matchingPursuit(exampleX, exampleW, zero, { ...STATIC, iterations: 2 });
  assert.deepEqual(pursued.picks[0].map((p) => p.latent), [0, 1]);
  near(pursued.picks[0].map((p) => p.value), [1, 0.36], 1e-12, "value");
  near(pursued.residual[0], [-0.1944, 0.2408], 1e-12, "residual");
  near([squares(pursued.residual)], [0.095776], 1e-6, "square");
  const { w, bias } = matchingPursuitGradients(pursued, exampleW, -2);
  near(w[0], [0.925344, -0.151768], 5e-7, "gradient of latent 0");
  near(w[1], [0.139968, -0.241776], 5e-7, "gradient of latent 1");
  near(w[2], [0, 0], 0, "gradient of latent 2");
  // The derivative by the bias is that by the first residual with the other sign.
  near(bias, [0, -0.383104], 5e-7, "gradient of the bias");
});

Deno.test("a row stops after the pick that repeats a latent, or that makes its residual short", () => {
  const zero = new Float64Array(2);
  const picks = (rules: Partial<PursuitSettings>) =>
    matchingPursuit(exampleX, exampleW, zero, { ...STATIC, iterations: 6, ...rules })
      .picks[0].map((p) => p.latent);
  // Scores after two picks are -0.1944, 0.0684, 0.1204: latent 2, then others again.
  assert.deepEqual(picks({}).slice(0, 3), [0, 1, 2]);
  const free = picks({});
  const repeat = free.findIndex((latent, i) => free.indexOf(latent) < i);
  assert.ok(repeat > 0, `${free} repeats a latent`);
  assert.deepEqual(picks({ stopOnDuplicates: true }), free.slice(0, repeat + 1));
  assert.deepEqual(picks({ threshold: 0.51 }), [0], "0.5 is left after the first");
  assert.deepEqual(picks({ threshold: 0.31 }), [0, 1], "0.3095 is left after the second");
  assert.deepEqual(picks({ threshold: 0.3 }).slice(0, 3), [0, 1, 2]);
});

Deno.test("nothing positive is nothing to pick, unless negative scores may be picked", () => {
  const x = rows([-1, -1]);
  const zero = new Float64Array(2);
  const relu = matchingPursuit(x, exampleW, zero, { ...STATIC, iterations: 3 });
  assert.deepEqual(relu.picks, [[]]);
  const free = matchingPursuit(x, exampleW, zero, { ...STATIC, relu: false, iterations: 1 });
  // Scores are -1, -1.26, -0.5.
  assert.deepEqual(free.picks, [[{ latent: 2, value: -0.5 }]]);
});

const [ROWS, D, LATENTS, T] = [7, 6, 9, 5];
const x = matrix(ROWS, D, { seed: 1 });
const w = matrix(LATENTS, D, { seed: 2, scale: 0.4 });
const bias = vector(D, { seed: 3, scale: 0.1 });

/** The derivative of `f` by `v[i]`, which is changed and put back. */
function derivative(f: () => number, v: Float64Array, i: number): number {
  const kept = v[i];
  v[i] = kept + 1e-5;
  const above = f();
  v[i] = kept - 1e-5;
  const below = f();
  v[i] = kept;
  return (above - below) / 2e-5;
}

const SETTINGS: [string, PursuitSettings][] = [
  ["static", { ...STATIC, iterations: T }],
  ["dynamic", { relu: true, threshold: 1.2, stopOnDuplicates: true, iterations: 2 * T }],
  ["without ReLU", { ...STATIC, relu: false, iterations: T }],
];

for (const [name, settings] of SETTINGS) {
  Deno.test(`the closed-form gradients are the loss's finite differences, ${name}`, () => {
    const loss = () => squares(matchingPursuit(x, w, bias, settings).residual) / ROWS;
    const pursued = matchingPursuit(x, w, bias, settings);
    assert.ok(pursued.picks.some((p) => new Set(p.map((e) => e.latent)).size < p.length));
    const got = matchingPursuitGradients(pursued, w, -2 / ROWS);
    w.forEach((row, l) =>
      row.forEach((_, i) => near([got.w[l][i]], [derivative(loss, row, i)], 1e-8, `W[${l}][${i}]`))
    );
    bias.forEach((_, i) => near([got.bias[i]], [derivative(loss, bias, i)], 1e-8, `b[${i}]`));
  });
}

Deno.test("the gradient through normalised rows is the loss's finite differences", () => {
  const settings = { ...STATIC, iterations: T };
  const run = () => matchingPursuit(x, normaliseRows(w), bias, settings);
  const loss = () => squares(run().residual) / ROWS;
  const unit = normaliseRows(w);
  const got = normGradient(w, matchingPursuitGradients(run(), unit, -2 / ROWS).w);
  w.forEach((row, l) =>
    row.forEach((_, i) => near([got[l][i]], [derivative(loss, row, i)], 1e-8, `W[${l}][${i}]`))
  );
});

Deno.test("scores less rows of W Wᵀ pick what residuals pick, and reconstruct what is missing", () => {
  const gram = w.map((a) => Float64Array.from(w, (b) => dot(a, b)));
  const { picks, residual } = matchingPursuit(x, w, bias, { ...STATIC, iterations: T });
  picks.forEach((row, b) => {
    const centred = x[b].map((v, i) => v - bias[i]);
    let scores: Float64Array = Float64Array.from(w, (a) => dot(a, centred));
    row.forEach((pick, t) => {
      const stepped = pursuitStep(scores, gram, row[t - 1]);
      assert.equal(stepped.best?.latent, pick.latent);
      near([stepped.best!.value], [pick.value], 1e-12, "value");
      scores = stepped.scores;
    });
    const { code } = pursuitFinish([row]);
    const left = centred.map((v, i) =>
      code[0].reduce((sum, e) => sum - e.value * w[e.latent][i], v)
    );
    near(left, residual[b], 1e-12, "residual");
  });
});
