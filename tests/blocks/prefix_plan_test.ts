import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import {
  checkPrefixes,
  equalPrefixes,
  PARETO,
  prefixesAt,
  type PrefixLaw,
  samplePrefixes,
  widthsOfShares,
} from "../../lib/blocks/decoders/prefix_plan.ts";

const STEPS = 20000;
const stream = new RandomStream(5, "prefixes");

/** How often each length below `dSae` is the one that is drawn, of two prefixes a step. */
function frequencies(dSae: number, law: PrefixLaw): number[] {
  const counts = new Array<number>(dSae).fill(0);
  for (let t = 0; t < STEPS; t++) counts[samplePrefixes(dSae, 2, law, stream, t)[0]]++;
  return counts.map((count) => count / STEPS);
}

/** Four standard deviations of a frequency. */
const within = (p: number) => 4 * Math.sqrt(p * (1 - p) / STEPS) + 5e-4;

Deno.test("the Pareto law has the golden probabilities of the spec", () => {
  const golden = [0.333, 0.138, 0.106, 0.089, 0.079, 0.071, 0.065, 0.061, 0.057];
  const found = frequencies(10, PARETO);
  golden.forEach((p, i) => assert.ok(Math.abs(found[i + 1] - p) < within(p), `${i + 1}: ${found}`));
  assert.equal(found[0], 0, "no prefix is empty");
});

Deno.test("the law starts at the least length", () => {
  const found = frequencies(10, { ...PARETO, least: 7 });
  const weights = [1, 2, 3].map((i) => (i / 4) ** 0.5 - ((i - 1) / 4) ** 0.5);
  const sum = weights.reduce((a, b) => a + b);
  weights.forEach((w, i) => assert.ok(Math.abs(found[7 + i] - w / sum) < within(w / sum)));
  assert.ok(found.slice(0, 7).every((p) => p === 0));
});

Deno.test("the uniform law draws all lengths alike, whatever its exponent", () => {
  const found = frequencies(6, { name: "uniform", p: 0.1, least: 1 });
  for (let length = 1; length < 6; length++) {
    assert.ok(Math.abs(found[length] - 0.2) < within(0.2), `${length}: ${found[length]}`);
  }
});

Deno.test("lengths are drawn without replacement", () => {
  // Of two lengths of {1, 2, 3}: P(a, b in any order) = p_a p_b (1 / (1 - p_a) + 1 / (1 - p_b)).
  const w = [1, 2, 3].map((i) => (i / 4) ** 0.5 - ((i - 1) / 4) ** 0.5);
  const p = w.map((v) => v / w.reduce((a, b) => a + b));
  const counts = new Map<string, number>();
  for (let t = 0; t < STEPS; t++) {
    const drawn = samplePrefixes(4, 3, PARETO, stream, t);
    assert.ok(drawn[0] < drawn[1] && drawn[1] < drawn[2] && drawn[2] === 4, `${drawn}`);
    counts.set(drawn.join(), (counts.get(drawn.join()) ?? 0) + 1);
  }
  for (const [a, b] of [[1, 2], [1, 3], [2, 3]]) {
    const [pa, pb] = [p[a - 1], p[b - 1]];
    const wanted = pa * pb * (1 / (1 - pa) + 1 / (1 - pb));
    const found = (counts.get(`${a},${b},4`) ?? 0) / STEPS;
    assert.ok(Math.abs(found - wanted) < within(wanted), `${a},${b}: ${found}, ${wanted}`);
  }
  assert.deepEqual(samplePrefixes(9, 9, PARETO, stream, 3), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.throws(() => samplePrefixes(9, 10, PARETO, stream, 3), RangeError);
});

Deno.test("a step's prefixes depend on seed and step alone", () => {
  const options = { ...equalPrefixes([1, 2, 3], 100), drawn: { ...PARETO, seed: 7 } };
  const at = (step: number) => prefixesAt(options, step).map((p) => p.bound);
  assert.deepEqual(at(4), at(4));
  assert.notDeepEqual(at(4), at(5));
  const other = prefixesAt({ ...options, drawn: { ...PARETO, seed: 8 } }, 4);
  assert.notDeepEqual(at(4), other.map((p) => p.bound));
  assert.equal(at(4).at(-1), 100);
  assert.deepEqual(prefixesAt(options, 4).map((p) => p.weight), [0.25, 0.25, 0.25, 0.25]);
});

Deno.test("weights have sum 1, and a bias level comes first", () => {
  const fixed = equalPrefixes([2, 5], 9, true);
  assert.deepEqual(prefixesAt(fixed, 0), [0, 2, 5, 9].map((bound) => ({ bound, weight: 0.25 })));
  assert.deepEqual(equalPrefixes([2, 9], 9).widths, [2, 9], "all latents are not added twice");
});

Deno.test("shares become widths", () => {
  assert.deepEqual(widthsOfShares([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1], 3072), [
    192,
    384,
    768,
    1536,
    3072,
  ]);
  assert.deepEqual(widthsOfShares([0.01, 0.02, 0.5], 10), [1, 5, 10]);
});

Deno.test("prefixes that a decoder cannot have are refused", () => {
  const sound = equalPrefixes([2, 5], 9);
  checkPrefixes(sound, 9);
  const refused = (options: Partial<typeof sound>, dSae: number, what: RegExp) =>
    assert.throws(() => checkPrefixes({ ...sound, ...options }, dSae), what);
  refused({}, 10, /the last has 9 latents of 10/);
  refused({ widths: [5, 5, 9] }, 9, /do not ascend/);
  refused({ biasLevel: true }, 9, /3 weights for 4 levels/);
  const many = equalPrefixes(Array.from({ length: 40 }, (_, g) => g + 1), 40);
  assert.throws(() => checkPrefixes(many, 40), /at most 32/);
});
