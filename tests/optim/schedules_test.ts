import assert from "assert";
import { kAt, lrAt } from "../../lib/optim/schedules.ts";

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
