/** What the references must satisfy whatever their formulas say. */
import assert from "assert";
import { adam } from "../../lib/reference/adam.ts";
import { countEntries } from "../../lib/reference/count_entries.ts";
import { medianUpdate } from "../../lib/reference/median_update.ts";
import { medianWeights } from "../../lib/reference/median_weights.ts";
import { placeEntries } from "../../lib/reference/place_entries.ts";
import { scanCounts } from "../../lib/reference/scan_counts.ts";
import { topkFinish } from "../../lib/reference/topk_finish.ts";
import { topkMerge } from "../../lib/reference/topk_merge.ts";
import { trackFiring } from "../../lib/reference/track_firing.ts";
import { code, matrix } from "../kernels/samples.ts";

Deno.test("topkMerge() takes the lowest latents of equal scores, finish drops what is not positive", () => {
  const scores = [
    Float64Array.of(1, 3, 1, NaN, 3, 1, -2),
    Float64Array.of(-1, 0, -0, -3, -2, NaN, -1),
  ];
  const best = topkMerge(scores, 3);
  assert.deepEqual(best[0].map((e) => e.latent), [1, 4, 0]);
  assert.deepEqual(best[1].map((e) => e.latent), [1, 2, 0]);
  assert.deepEqual(topkMerge(scores, 3, 2)[0].map((e) => e.latent), [1, 0]);
  const finished = topkFinish(best);
  assert.deepEqual(finished.map((row) => row.map((e) => e.latent)), [[0, 1, 4], []]);
  const mapped = topkFinish([[{ latent: 0, value: 1 }, { latent: 1, value: 2 }]], [9, 4]);
  assert.deepEqual(mapped, [[{ latent: 4, value: 2 }, { latent: 9, value: 1 }]]);
});

Deno.test("adam() without a gradient history takes a first step of lr whatever the gradient's size", () => {
  for (const size of [1e-3, 1, 1e5]) {
    const zero = () => new Float64Array(2);
    const { parameter } = adam(
      { parameter: zero(), moment1: zero(), moment2: zero() },
      Float64Array.of(size, -size),
      { t: 1, lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-12, clip: 1 },
    );
    assert.ok(Math.abs(parameter[0] + 0.01) < 1e-9 && Math.abs(parameter[1] - 0.01) < 1e-9);
  }
});

Deno.test("the median's iteration ends where the sum of distances is smallest", () => {
  const x = matrix(40, 3, { seed: 6 });
  x[0].fill(1000);
  const distances = (m: Float64Array) =>
    x.reduce((sum, row) => sum + Math.hypot(...row.map((v, c) => v - m[c])), 0);
  let median = new Float64Array(3);
  let moved = Infinity;
  for (let i = 0; i < 300 && moved > 1e-9; i++) {
    const next = medianUpdate(x, medianWeights(x, median), median);
    moved = next.moved;
    median = Float64Array.from(next.median);
  }
  assert.ok(moved <= 1e-9, `still moves by ${moved}`);
  const least = distances(median);
  for (let c = 0; c < 3; c++) {
    for (const step of [1e-3, -1e-3]) {
      const aside = median.slice();
      aside[c] += step;
      assert.ok(distances(aside) > least);
    }
  }
});

Deno.test("a code by latent holds every entry once, where the scan says", () => {
  const some = code(50, 20, 6);
  const placed = placeEntries(some, 20);
  const counts = countEntries(some, 20);
  assert.deepEqual(placed.map((list) => list.length), counts);
  assert.equal(scanCounts(counts)[20], some.flat().length);
  placed.forEach((list, latent) =>
    list.forEach(({ row, value, place }) => assert.deepEqual(some[row][place], { latent, value }))
  );
});

Deno.test("trackFiring() kills at the bound and saturates", () => {
  const after = trackFiring(
    { sinceFired: [90, 89, 5, 2 ** 32 - 2], fired: [0, 1, 2, 3] },
    [0, 0, 4, 0],
    10,
    100,
  );
  assert.deepEqual(after.sinceFired, [100, 99, 0, 2 ** 32 - 1]);
  assert.deepEqual(after.fired, [0, 1, 6, 3]);
  assert.deepEqual(after.dead, [true, false, false, true]);
});
