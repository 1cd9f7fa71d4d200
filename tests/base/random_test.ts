import assert from "assert";
import { Permutation, philox, RandomStream } from "../../lib/base/random.ts";

Deno.test("philox() equals the known answers of its authors", () => {
  // kat_vectors of Random123 for philox4x32, 10 rounds.
  const hex = (words: readonly number[]) =>
    words.map((w) => w.toString(16).padStart(8, "0")).join(" ");
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  const ones = 0xffffffff;
  assert.equal(
    hex(philox([ones, ones, ones, ones], [ones, ones])),
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  );
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

Deno.test("a value depends on seed, purpose, step and index, and on nothing else", () => {
  const a = new RandomStream(1, "init");
  const value = a.uniform(3, 4);
  for (let i = 0; i < 10; i++) a.uniform(i, i);
  assert.equal(a.uniform(3, 4), value);
  assert.equal(new RandomStream(1, "init").uniform(3, 4), value);
  const others = [
    new RandomStream(2, "init").uniform(3, 4),
    new RandomStream(1, "rows").uniform(3, 4),
    a.uniform(4, 4),
    a.uniform(3, 5),
    a.uniform(4, 3),
    a.uniform(3 + 2 ** 32, 4),
    a.uniform(3, 4 + 2 ** 32),
  ];
  assert.equal(new Set([value, ...others]).size, 8);
});

/** Mean, variance and the share of values below `cut`. */
function moments(values: ArrayLike<number>, cut: number) {
  const n = values.length, all = Array.from(values);
  const mean = all.reduce((s, v) => s + v, 0) / n;
  const variance = all.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
  return { mean, variance, below: all.filter((v) => v < cut).length / n };
}

Deno.test("uniform(), normal(), fillNormal() and below() have the distributions that they name", () => {
  const stream = new RandomStream(7, "test");
  const n = 40_000;
  const draw = (f: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => f(i));
  const near = (found: number, wanted: number, bound = 0.02) =>
    assert.ok(Math.abs(found - wanted) < bound, `${found}, not ${wanted}`);

  const uniform = draw((i) => stream.uniform(0, i));
  assert.ok(uniform.every((v) => v >= 0 && v < 1));
  const u = moments(uniform, 0.25);
  [near(u.mean, 0.5), near(u.variance, 1 / 12), near(u.below, 0.25)];

  const filled = new Float32Array(n + 3);
  stream.fillNormal(1, filled);
  for (const values of [draw((i) => stream.normal(2, i)), filled]) {
    const m = moments(values, -1);
    [near(m.mean, 0), near(m.variance, 1, 0.03), near(m.below, 0.1587)];
    assert.ok(values.every(Number.isFinite));
  }
  const again = new Float32Array(n);
  stream.fillNormal(1, again);
  assert.deepEqual(again, filled.subarray(0, n), "a shorter fill is the start of a longer one");

  const dice = draw((i) => stream.below(6, 3, i));
  for (let face = 0; face < 6; face++) near(dice.filter((v) => v === face).length / n, 1 / 6);
});

Deno.test("a Permutation gives every place once, others for other steps, and few stay where they are", () => {
  const stream = new RandomStream(5, "shuffle");
  for (const size of [1, 2, 3, 64, 1000, 4097]) {
    const permutation = new Permutation(size, stream, 0);
    const places = Array.from({ length: size }, (_, i) => permutation.at(i));
    assert.deepEqual([...places].sort((a, b) => a - b), places.map((_, i) => i));
    if (size < 1000) continue;
    const next = new Permutation(size, stream, 1);
    assert.ok(places.filter((p, i) => p === next.at(i)).length < 12);
    assert.ok(places.filter((p, i) => p === i).length < 12);
    const neighbours = places.filter((p, i) => i > 0 && Math.abs(p - places[i - 1]) === 1).length;
    assert.ok(neighbours < 20, `${neighbours} neighbours stay neighbours`);
  }
});
