import assert from "assert";
import { chooseLatents, profileLatents, vocabularyEffect } from "../../lib/evals/latents.ts";
import { codeOf } from "./fakes.ts";

Deno.test("chooseLatents() spreads over the ranks of density and leaves out what is too rare", () => {
  const fired = Uint32Array.from({ length: 1000 }, (_, f) => (f * 7919) % 1000);
  const chosen = chooseLatents(fired, 60);
  assert.equal(chosen.length, 60);
  assert.deepEqual(chosen, [...new Set(chosen)].sort((a, b) => a - b), "ascending, each once");
  assert.ok(chosen.every((f) => fired[f] >= 10));
  // 990 latents are frequent enough; every sixtieth of their ranks has one.
  const ranks = chosen.map((f) => fired[f]).sort((a, b) => a - b);
  ranks.forEach((n, i) => {
    const from = 10 + i * 990 / 60;
    assert.ok(n >= from - 1 && n <= from + 990 / 60 + 1, `${n} fires in part ${i}`);
  });
  assert.deepEqual(chooseLatents(fired, 60), chosen, "the same again");
});

Deno.test("chooseLatents() takes all that fire often enough when there are few", () => {
  assert.deepEqual(chooseLatents(Uint32Array.of(9, 10, 0, 500, 11), 60), [1, 3, 4]);
  assert.deepEqual(chooseLatents(Uint32Array.of(0, 9), 5), []);
  assert.deepEqual(chooseLatents(Uint32Array.of(50, 50, 50, 50), 2), [1, 3], "ties by number");
});

Deno.test("profileLatents() counts, averages and finds the strongest rows of different contexts", () => {
  // Two calls of three rows; contexts of two rows each.
  const codes = [
    codeOf([[1, 0, 4], [3, 0, 4], [0, 2, 0]]),
    codeOf([[2, 0, 5], [0, 0, 1], [2, 0, 0]]),
  ];
  const [first, third] = profileLatents(codes, [0, 2], [0, 0, 1, 1, 2, 2], 4);
  assert.equal(first.latent, 0);
  assert.equal(first.fired, 4);
  assert.equal(first.max, 3);
  assert.equal(first.mean, 2);
  assert.deepEqual(
    first.peaks,
    [{ row: 1, value: 3 }, { row: 3, value: 2 }, { row: 5, value: 2 }],
    "one of each context",
  );
  assert.deepEqual([...first.values], [[0, 1], [1, 3], [3, 2], [5, 2]]);
  const strongest = [{ row: 3, value: 5 }, { row: 0, value: 4 }, { row: 4, value: 1 }];
  assert.deepEqual(third.peaks, strongest, "ties to the first");
  const [one] = profileLatents(codes, [0], [0, 0, 1, 1, 2, 2], 1);
  assert.deepEqual(one.peaks, [{ row: 1, value: 3 }], "no more than wanted");

  const { edges, counts } = first.histogram;
  assert.equal(edges.length, counts.length + 1);
  assert.equal(counts.reduce((s, n) => s + n, 0), 4);
  assert.deepEqual([edges[0], edges.at(-1)], [0, 3]);
  for (const value of [1, 3, 2, 2]) {
    const bar = counts.findIndex((n, i) => n > 0 && edges[i] <= value && value <= edges[i + 1]);
    assert.ok(bar >= 0, `${value} is in a bar`);
  }
  assert.equal(counts.at(-1), 1, "the largest value is in the last bar");
});

Deno.test("profileLatents() of a latent that never fires is empty, not NaN", () => {
  const [profile] = profileLatents([codeOf([[1, 0]])], [1], [0], 3);
  assert.deepEqual([profile.fired, profile.max, profile.mean, profile.peaks], [0, 0, 0, []]);
  assert.ok(profile.histogram.counts.every((n) => n === 0));
});

Deno.test("vocabularyEffect() sorts tokens by the direct path through the final norm", () => {
  const readout = {
    weight: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0),
    vocab: 4,
    d: 3,
    finalNormGain: Float32Array.of(1, 2, 1),
  };
  // The row less its mean is [3, 0, -3] + …: by hand (4, 1, -2) - 1 = (3, 0, -3), times the gain (3, 0, -3).
  const { promoted, suppressed } = vocabularyEffect(Float32Array.of(4, 1, -2), readout, 2);
  // Scores 3, 0, -3, -3, of mean -0.75.
  assert.deepEqual(promoted, [{ id: 0, score: 3.75 }, { id: 1, score: 0.75 }]);
  assert.deepEqual(suppressed, [{ id: 3, score: -2.25 }, { id: 2, score: -2.25 }]);

  const gained = vocabularyEffect(Float32Array.of(-1, 2, -1), readout, 1).promoted[0];
  assert.equal(gained.id, 1);
  assert.ok(Math.abs(gained.score - (4 - (-1 + 4 - 1 + 1) / 4)) < 1e-6, "the gain counts");
  const shifted = vocabularyEffect(Float32Array.of(9, 12, 9), readout, 1).promoted[0];
  assert.deepEqual(shifted, gained, "the norm takes a common shift away");
  const plain = vocabularyEffect(Float32Array.of(-1, 2, -1), {
    ...readout,
    finalNormGain: undefined,
  }, 1);
  assert.ok(plain.promoted[0].score < gained.score);
});
