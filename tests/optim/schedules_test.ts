import assert from "assert";
import {
  coefficientAt,
  exponentAt,
  exponentUpdates,
  kAt,
  lrAt,
  nextExponentAt,
} from "../../lib/optim/schedules.ts";

const range = (n: number) => Array.from({ length: n }, (_, t) => t);

Deno.test("lrAt() warms up from its first step, stays, and falls to above zero at the last", () => {
  const schedule = { lr: 2, warmUp: 4, decay: 3, steps: 12 };
  const rates = range(12).map((t) => lrAt(schedule, t));
  assert.deepEqual(rates, [0.5, 1, 1.5, 2, 2, 2, 2, 2, 2, 1.5, 1, 0.5]);
});

Deno.test("lrAt() is never zero within a run and never above its highest rate", () => {
  for (
    const [warmUp, decay, steps] of [[0, 0, 1], [1, 0, 1], [0, 1, 1], [5, 5, 10], [10, 0, 10], [
      0,
      10,
      10,
    ]]
  ) {
    const rates = range(steps).map((t) => lrAt({ lr: 0.3, warmUp, decay, steps }, t));
    assert.ok(
      rates.every((rate) => rate > 0 && rate <= 0.3),
      `${warmUp} ${decay} ${steps}: ${rates}`,
    );
    if (warmUp < steps && decay === 0) assert.equal(rates.at(-1), 0.3);
    const rise = rates.slice(0, Math.max(1, steps - decay));
    assert.deepEqual(rise, [...rise].sort((a, b) => a - b), "rises before it falls");
  }
  assert.equal(
    lrAt({ lr: 1, warmUp: 0, decay: 4, steps: 10 }, 10),
    0,
    "zero where the run has ended",
  );
});

Deno.test("kAt() begins at kStart, ends at k, and falls by whole numbers between", () => {
  const schedule = { k: 3, kStart: 11, annealSteps: 8 };
  assert.deepEqual(range(10).map((t) => kAt(schedule, t)), [11, 10, 9, 8, 7, 6, 5, 4, 3, 3]);
  const uneven = range(40).map((t) => kAt({ k: 32, kStart: 64, annealSteps: 33 }, t));
  assert.equal(uneven[0], 64);
  assert.deepEqual(uneven.slice(33), Array(7).fill(32));
  uneven.forEach((k, t) => assert.ok(Number.isInteger(k) && (t === 0 || k <= uneven[t - 1])));
  assert.ok(uneven[32] >= 32);
});

Deno.test("kAt() without annealing is k all along", () => {
  assert.deepEqual(range(3).map((t) => kAt({ k: 5, kStart: 5, annealSteps: 0 }, t)), [5, 5, 5]);
  assert.equal(kAt({ k: 5, kStart: 50, annealSteps: 0 }, 0), 5);
});

Deno.test("lrAt() falls to its end ratio, in a straight line or as a cosine", () => {
  const schedule = { lr: 8, warmUp: 2, decay: 7, steps: 10, endRatio: 0.25 };
  assert.deepEqual(
    range(10).map((t) => lrAt(schedule, t)),
    [4, 8, 8, 7.25, 6.5, 5.75, 5, 4.25, 3.5, 2.75],
  );
  assert.equal(lrAt(schedule, 10), 2);
  const cosine = range(10).map((t) => lrAt({ ...schedule, shape: "cosine" }, t));
  // 0.25 + 0.75 (1 + cos(pi (t - 2) / 8)) / 2 of the highest rate: half way at t = 6.
  cosine.slice(2).forEach((rate, i) => {
    const exact = 8 * (0.25 + 0.75 * (1 + Math.cos(Math.PI * i / 8)) / 2);
    assert.ok(Math.abs(rate - exact) < 1e-12, `${rate} at ${i + 2}`);
  });
  assert.ok(Math.abs(cosine[6] - 5) < 1e-12);
});

Deno.test("kAt() with a factor falls fast at first, and begins and ends where it should", () => {
  const schedule = { k: 10, kStart: 1000, annealSteps: 100, exponentialFactor: 3 };
  const ks = range(110).map((t) => kAt(schedule, t));
  assert.deepEqual([ks[0], ks[100], ks[109]], [1000, 10, 10]);
  ks.forEach((k, t) => assert.ok(t === 0 || k <= ks[t - 1]));
  // Half of the steps: 1000 - 990 (1 - e^-1.5) / (1 - e^-3) = 190.59.
  assert.equal(ks[50], 191);
  assert.equal(kAt({ ...schedule, exponentialFactor: 1e-9 }, 50), 505, "a small factor: a line");
  assert.equal(kAt({ k: 1.5, kStart: 4, annealSteps: 2 }, 2), 1.5, "a fraction stays one");
});

Deno.test("coefficientAt() rises from its first step on and stays", () => {
  const rise = { coefficient: 5, warmUp: 4 };
  assert.deepEqual(range(6).map((t) => coefficientAt(rise, t)), [1.25, 2.5, 3.75, 5, 5, 5]);
  assert.equal(coefficientAt({ coefficient: 5, warmUp: 0 }, 0), 5);
});

Deno.test("exponentAt() is stepped from its start on and never reaches its end", () => {
  const schedule = { p: 1, pEnd: 0, start: 30, updates: 10, steps: 100 };
  const exponents = range(100).map((t) => exponentAt(schedule, t));
  assert.deepEqual(exponents.slice(0, 30), Array(30).fill(1));
  assert.ok(Math.abs(exponents[30] - 10 / 11) < 1e-15, "the first change is at the start");
  assert.equal(new Set(exponents).size, 11);
  assert.ok(Math.abs(exponents[99] - 1 / 11) < 1e-15 && exponents.every((p) => p > 0));
  const changes = range(99).filter((t) => exponents[t + 1] !== exponents[t]).map((t) => t + 1);
  assert.deepEqual(changes, [30, 37, 44, 51, 58, 65, 72, 79, 86, 93], "evenly spread");
  assert.equal(exponentUpdates(schedule, 99), 10);
  assert.equal(exponentAt({ ...schedule, pEnd: 1 }, 99), 1);
});

Deno.test("nextExponentAt() is what the exponent changes to, and the last one once it is there", () => {
  const schedule = { p: 1, pEnd: 0.2, start: 10, updates: 4, steps: 50 };
  for (const t of range(49)) {
    const [now, later] = [exponentAt(schedule, t), exponentAt(schedule, t + 1)];
    if (later !== now) assert.equal(nextExponentAt(schedule, t), later, `step ${t}`);
    assert.ok(nextExponentAt(schedule, t) <= now);
  }
  assert.equal(nextExponentAt(schedule, 49), exponentAt(schedule, 49));
});
