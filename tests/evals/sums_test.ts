import assert from "assert";
import { DEFINITIONS, measured } from "../../lib/evals/definitions.ts";
import { passOver } from "../../lib/evals/held_out.ts";
import { densityFigures, figuresOf, fvuOf } from "../../lib/evals/sums.ts";
import type { Measured } from "../../lib/evals/definitions.ts";
import { fakeDictionary } from "./fakes.ts";

function byName(figures: readonly Measured[]): Record<string, number | null> {
  return Object.fromEntries(figures.map(({ name, value }) => [name, value]));
}

/** Runs a dictionary that is a pair of functions over rows, `perCall` rows a call. */
async function measure(
  x: number[][],
  recon: (row: number[], r: number) => number[],
  code: (row: number[], r: number) => number[],
  perCall = 64,
) {
  const data = { rows: x.length, points: [{ d: x[0].length, x: Float32Array.from(x.flat()) }] };
  const dictionary = fakeDictionary(x[0].length, perCall, recon, code);
  const pass = await passOver(dictionary, data, { keepCodes: true });
  const figures = [...figuresOf(pass.sums), ...densityFigures(pass.fired, x.length)];
  return { pass, figures: byName(figures) };
}

/** Golden vectors F1 of the evals spec: four tokens of width 3, four latents. */
const X = [[1, 2, 3], [2, 0, 1], [0, 1, -1], [3, 1, 0]];
const Y = [[1, 1.5, 2.5], [1.5, 0, 1], [.5, 1, -1], [2, 1, .5]];
const Z = [[2, 0, 1, 0], [0, 0, 1, 0], [0, .5, 0, 0], [1, 0, 0, 0]];

Deno.test("figures equal the golden vectors, however the rows are split into calls", async () => {
  for (const perCall of [1, 3, 4]) {
    const { pass, figures } = await measure(X, (_, r) => Y[r], (_, r) => Z[r], perCall);
    const golden: Record<string, number> = {
      "recon/mse": .5625,
      "recon/fvu": .1428571,
      "recon/explained_variance": 1 - .1428571,
      "recon/nmse_ratio": .0725806,
      "recon/cossim": .9745888,
      "recon/l2_ratio": .8538023,
      "recon/relative_bias": .8265306,
      "sparsity/l0": 1.25,
      "sparsity/l1": 1.375,
      "sparsity/dead_frac": .25,
      "density/freq_over_1_percent": .75,
      "density/freq_over_10_percent": .75,
    };
    assert.deepEqual(Object.keys(figures).sort(), Object.keys(golden).sort());
    for (const [name, value] of Object.entries(golden)) {
      assert.ok(Math.abs(figures[name]! - value) < 1e-6, `${name}: ${figures[name]}, not ${value}`);
    }
    assert.deepEqual([...pass.fired], [2, 1, 2, 0]);
    assert.deepEqual(pass.l0Counts, [0, 3, 1]);
    assert.equal(pass.codes.length, Math.ceil(4 / perCall));
  }
});

Deno.test("rows that are there only for others of their context do not count, and calls are whole contexts", async () => {
  const x = [[9, 9, 9], ...X, [7, 0, 7]];
  const sizes: number[] = [];
  const fake = fakeDictionary(3, 5, (_, r) => Y[r - 1] ?? [0, 0, 0], (_, r) => Z[r - 1] ?? Z[0]);
  const dictionary = {
    ...fake,
    rowUnit: 2,
    run: (points: readonly Float32Array[]) => (sizes.push(points[0].length / 3), fake.run(points)),
  };
  const mask = Float32Array.of(0, 1, 1, 1, 1, 0);
  const data = { rows: 6, points: [{ d: 3, x: Float32Array.from(x.flat()) }], mask };
  const pass = await passOver(dictionary, data, { keepCodes: false });
  assert.deepEqual(sizes, [4, 2]);
  assert.equal(pass.sums[0].rows, 4);
  assert.ok(Math.abs(byName(figuresOf(pass.sums))["recon/fvu"]! - .1428571) < 1e-6);
  assert.deepEqual([...pass.fired], [2, 1, 2, 0]);
});

Deno.test("the identity has FVU 0, cosine 1 and no shrinkage", async () => {
  const { figures } = await measure(X, (row) => row, (row) => row);
  assert.equal(figures["recon/fvu"], 0);
  assert.equal(figures["recon/explained_variance"], 1);
  assert.equal(figures["recon/mse"], 0);
  assert.ok(Math.abs(figures["recon/cossim"]! - 1) < 1e-7);
  assert.ok(Math.abs(figures["recon/l2_ratio"]! - 1) < 1e-7);
  assert.ok(Math.abs(figures["recon/relative_bias"]! - 1) < 1e-7);
  assert.equal(figures["sparsity/l0"], 9 / 4, "values that are not zero");
});

Deno.test("a zero reconstruction has FVU of at least 1 and cosine 0; its bias is undefined", async () => {
  const { pass, figures } = await measure(X, () => [0, 0, 0], () => [0, 0]);
  // Σ‖x‖² = 31, spread 15.75.
  assert.ok(Math.abs(figures["recon/fvu"]! - 31 / 15.75) < 1e-12);
  assert.equal(figures["recon/nmse_ratio"], 1);
  assert.equal(figures["recon/cossim"], 0);
  assert.equal(figures["recon/l2_ratio"], 0);
  assert.equal(figures["recon/relative_bias"], null);
  assert.equal(figures["sparsity/dead_frac"], 1);
  assert.deepEqual(pass.l0Counts, [4]);
});

Deno.test("the mean predictor has FVU 1, wherever the mean lies", async () => {
  for (const shift of [0, 1000]) {
    const x = X.map((row) => row.map((v, j) => v + shift * (j + 1)));
    const mean = [0, 1, 2].map((j) => x.reduce((s, row) => s + row[j], 0) / 4);
    const { figures } = await measure(x, () => mean, () => [0]);
    assert.ok(Math.abs(figures["recon/fvu"]! - 1) < 1e-6, `${figures["recon/fvu"]}`);
  }
});

Deno.test("constant rows: FVU is 0 when they are met exactly, else undefined", () => {
  assert.equal(fvuOf(0, 0), 0);
  assert.ok(Number.isNaN(fvuOf(1, 0)));
  assert.equal(fvuOf(1, 4), 0.25);
  assert.equal(measured("recon/fvu", fvuOf(1, 0)).value, null, "as JSON says it");
});

Deno.test("a row of nearly zero length does not blow up the ratio of lengths", async () => {
  const { figures } = await measure([[1e-6, 0], [0, 2]], () => [0, 1], () => [1]);
  assert.ok(Math.abs(figures["recon/l2_ratio"]! - (1 + 0.5) / 2) < 1e-7);
});

Deno.test("densities count shares of latents above one and ten percent, strictly", () => {
  const figures = byName(densityFigures(Uint32Array.of(0, 10, 11, 100, 101, 1000), 1000));
  assert.ok(Math.abs(figures["sparsity/dead_frac"]! - 1 / 6) < 1e-12);
  assert.ok(Math.abs(figures["density/freq_over_1_percent"]! - 4 / 6) < 1e-12);
  assert.ok(Math.abs(figures["density/freq_over_10_percent"]! - 2 / 6) < 1e-12);
});

Deno.test("every metric has a definition, and one without is a mistake of ours", () => {
  assert.throws(() => measured("recon/unheard_of", 1), /has no definition/);
  for (const [name, text] of Object.entries(DEFINITIONS)) {
    assert.match(name, /^[a-z]+\/[a-z0-9_]+$/);
    assert.ok(text.endsWith(".") && text.length > 10, name);
    assert.equal(measured(name, 1).definition, text);
  }
});
