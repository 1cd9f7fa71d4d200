import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import {
  pkmBackward,
  pkmForward,
  type PkmShape,
  type PkmWeights,
} from "../../lib/reference/product_keys.ts";
import { type Code, dot, type Entry, type Matrix } from "../../lib/reference/types.ts";
import { matrix } from "../kernels/samples.ts";
import { PKM_CASES, residualOf, valueGradients } from "./pkm_cases.ts";

function assertNear(
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  least: number,
  what: string,
) {
  assert.equal(got.length, wanted.length, what);
  for (let i = 0; i < got.length; i++) {
    const off = Math.abs(got[i] - wanted[i]);
    assert.ok(
      off <= least * (1 + Math.abs(wanted[i])),
      `${what} ${i}: ${got[i]}, not ${wanted[i]}`,
    );
  }
}

Deno.test("pkmForward() and the loss are PyTorch's, ties included", () => {
  for (const given of PKM_CASES) {
    const { code } = pkmForward(given.x, given.weights, given.shape, given.k);
    code.forEach((row, r) => {
      assert.deepEqual(row.map((e) => e.latent), given.code[r].map((e) => e.latent), given.name);
      assertNear(row.map((e) => e.value), given.code[r].map((e) => e.value), 1e-11, given.name);
    });
    const loss = residualOf(code, given).reduce((sum, row) => sum + dot(row, row), 0);
    assertNear([loss / given.x.length], [given.loss], 1e-10, given.name);
  }
});

Deno.test("pkmBackward() gives the gradients of PyTorch's autograd", () => {
  for (const given of PKM_CASES) {
    const forward = pkmForward(given.x, given.weights, given.shape, given.k);
    const dz = valueGradients(forward.code, given);
    const got = pkmBackward(given.x, given.weights, given.shape, forward, dz);
    const wanted = given.gradients;
    got.keys.forEach((row, i) => assertNear(row, wanted.keys[i], 1e-9, `keys, ${given.name}`));
    assertNear(got.keyBias, wanted.keyBias, 1e-9, `key bias, ${given.name}`);
    assertNear(got.inputSum, given.inputSum, 1e-9, `input, ${given.name}`);
    if (wanted.latentBias) assertNear(got.latentBias, wanted.latentBias, 1e-9, "latent bias");
  }
});

Deno.test("pkmBackward() gives finite differences of pkmForward()", () => {
  for (const given of PKM_CASES.slice(0, 7)) {
    const { x, weights, shape, k } = given;
    const weigh = (row: number, latent: number) => Math.sin(3 * row + 7 * latent);
    const loss = (w: PkmWeights) =>
      pkmForward(x, w, shape, k).code
        .reduce((s, row, r) => row.reduce((t, e) => t + e.value * weigh(r, e.latent), s), 0);
    const forward = pkmForward(x, weights, shape, k);
    const dz = forward.code.map((row, r) => row.map((e) => weigh(r, e.latent)));
    const got = pkmBackward(x, weights, shape, forward, dz);
    const check = (values: Float64Array, gradients: Float64Array, what: string) =>
      values.forEach((old, i) => {
        const step = 1e-6;
        values[i] = old + step;
        const above = loss(weights);
        values[i] = old - step;
        const below = loss(weights);
        values[i] = old;
        assertNear([gradients[i]], [(above - below) / (2 * step)], 1e-6, `${what}, ${given.name}`);
      });
    weights.keys.forEach((row, i) => check(row, got.keys[i], `key ${i}`));
    check(weights.keyBias, got.keyBias, "key bias");
  }
});

/** The k largest of a list with their places, the largest first. */
function largest(values: readonly number[], k: number): { value: number; place: number }[] {
  return values.map((value, place) => ({ value, place }))
    .sort((a, b) => b.value - a.value)
    .slice(0, k);
}

/**
 * The seed's published selection: the k largest scores of each side (an error where a side has fewer), all k² sums with
 * ReLU, -1 where the latent does not exist, the k largest of them; a number that does not exist becomes the last latent
 * with the value 0. Heads one after the other, k / heads each.
 */
function publishedSelection(
  scores: Float64Array,
  k: number,
  { m1, m2, latents, heads }: PkmShape,
): Entry[] {
  assert.equal(m1, m2, "the published code has one base");
  assert.equal(k % heads, 0, "its shapes only work where k is a multiple of the heads");
  const share = k / heads;
  return Array.from({ length: heads }, (_, h) => h * 2 * m1).flatMap((first) => {
    const side = (from: number) => largest([...scores.subarray(from, from + m1)], share);
    const [one, two] = [side(first), side(first + m1)];
    assert.ok(one.length === share, "the published code raises an error here");
    const sums = one.flatMap((a) =>
      two.map((b) => {
        const latent = a.place * m1 + b.place;
        return { latent, value: latent < latents ? Math.max(0, a.value + b.value) : -1 };
      })
    );
    return largest(sums.map((s) => s.value), share).map(({ value, place }) =>
      value < 0 ? { latent: latents - 1, value: 0 } : { latent: sums[place].latent, value }
    );
  });
}

/** Entries by latent: what is not positive is no entry, what occurs twice adds up. */
function summed(entries: readonly Entry[]): Entry[] {
  const sums = new Map<number, number>();
  for (const { latent, value } of entries) {
    if (value > 0) sums.set(latent, (sums.get(latent) ?? 0) + value);
  }
  return [...sums].map(([latent, value]) => ({ latent, value })).sort((a, b) =>
    a.latent - b.latent
  );
}

function codes(shape: PkmShape, k: number, seed: number): { ours: Code; published: Code } {
  const columns = shape.heads * (shape.m1 + shape.m2);
  const weights = { keys: matrix(columns, 5, { seed }), keyBias: matrix(1, columns)[0] };
  const { scores, code } = pkmForward(matrix(40, 5, { seed: seed + 1 }), weights, shape, k);
  return { ours: code, published: scores.map((row) => summed(publishedSelection(row, k, shape))) };
}

Deno.test("the code is that of the seed's published algorithm where that is defined", () => {
  const grids: [PkmShape, number][] = [
    [{ m1: 6, m2: 6, latents: 36, heads: 1 }, 1],
    [{ m1: 6, m2: 6, latents: 36, heads: 1 }, 4],
    [{ m1: 9, m2: 9, latents: 81, heads: 1 }, 9],
    [{ m1: 7, m2: 7, latents: 49, heads: 2 }, 6],
    [{ m1: 5, m2: 5, latents: 25, heads: 4 }, 8],
  ];
  for (const [shape, k] of grids) {
    const { ours, published } = codes(shape, k, 3);
    ours.forEach((row, r) => {
      assert.deepEqual(row.map((e) => e.latent), published[r].map((e) => e.latent));
      assertNear(row.map((e) => e.value), published[r].map((e) => e.value), 1e-12, `row ${r}`);
    });
  }
});

// Architectures spec, section 8: "Masked ids break the guarantee", and `top-k` of u with k > m raises.
Deno.test("where latents are missing from the grid, the published algorithm loses some of the best", () => {
  const shape = { m1: 6, m2: 6, latents: 31, heads: 1 };
  const { ours, published } = codes(shape, 4, 4);
  const sum = (row: readonly Entry[]) => row.reduce((s, e) => s + e.value, 0);
  ours.forEach((row, r) => assert.ok(sum(row) > sum(published[r]) - 1e-12, `row ${r}`));
  assert.ok(ours.some((row, r) => sum(row) > sum(published[r]) + 0.1));
  assert.throws(() => codes({ m1: 3, m2: 3, latents: 9, heads: 1 }, 4, 4), /raises an error/);
});

Deno.test("candidates of rank product at most k are the 119, 280, 645, 1466 of the spec, and hold the best", () => {
  const count = (k: number) => {
    let n = 0;
    for (let p = 1; p <= k; p++) n += Math.floor(k / p);
    return n;
  };
  assert.deepEqual([32, 64, 128, 256].map(count), [119, 280, 645, 1466]);
  const [m, k] = [40, 32];
  const stream = new RandomStream(5, "pkm ranks");
  const scores: Matrix = Array.from(
    { length: 20 },
    (_, r) => Float64Array.from({ length: 2 * m }, (_, i) => stream.normal(r, i) + 3),
  );
  const identity = Array.from(
    { length: 2 * m },
    (_, i) => Float64Array.from({ length: 2 * m }, (_, j) => i === j ? 1 : 0),
  );
  const weights = { keys: identity, keyBias: new Float64Array(2 * m) };
  const shape = { m1: m, m2: m, latents: m * m, heads: 1 };
  pkmForward(scores, weights, shape, k).code.forEach((row, r) => {
    const rank = (from: number) => {
      const order = largest([...scores[r].subarray(from, from + m)], m);
      return (place: number) => order.findIndex((o) => o.place === place) + 1;
    };
    const [first, second] = [rank(0), rank(m)];
    assert.equal(row.length, k);
    for (const { latent } of row) {
      assert.ok(first(Math.floor(latent / m)) * second(latent % m) <= k, `latent ${latent}`);
    }
  });
});
