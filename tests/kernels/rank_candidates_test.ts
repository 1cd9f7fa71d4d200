import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { rankCandidates } from "../../lib/kernels/rank_candidates.ts";
import { rankCandidates as reference } from "../../lib/reference/rank_candidates.ts";
import type { Entry } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";

const NONE = 0xffffffff;
const CLOSED = 3.4028234663852886e38;
const stream = new RandomStream(5, "ranks");

/** `count` candidates a row in a random order; values from few numbers, so that many are equal, where asked. */
function drawn(rows: number, count: number, alike = 0): Entry[][] {
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: count }, (_, i) => ({
      latent: 3 * i + r % 3,
      value: alike ? stream.below(alike, r, i) - 1 : Math.fround(stream.normal(r, i)),
    })).toSorted((a, b) => stream.u32(100 + r, a.latent) - stream.u32(100 + r, b.latent)));
}

const of = (...values: number[]): Entry[] => values.map((value, i) => ({ latent: 9 - i, value }));

const inputs: { name: string; k: number; capacity?: number; given: Entry[][] }[] = [
  { name: "one", k: 1, given: [of(2)] },
  { name: "nothing", k: 3, given: [[], []] },
  { name: "fewer than k", k: 7, given: [of(1, -2), of(), of(3, 1, 2)] },
  { name: "random", k: 8, given: drawn(67, 32) },
  { name: "many are equal", k: 9, given: drawn(33, 45, 3) },
  { name: "all are equal", k: 5, given: drawn(3, 40, 1) },
  { name: "k below the room of the lists", k: 3, capacity: 16, given: drawn(9, 64) },
  { name: "as many as are kept", k: 12, given: drawn(5, 12) },
  { name: "not a number", k: 3, given: [of(NaN, 1, NaN, -4), of(NaN, NaN)] },
  { name: "infinite", k: 2, given: [of(1, Infinity, -Infinity), of(-Infinity, 5)] },
];

const cases: KernelCase[] = inputs.map(({ name, k, capacity: room = k, given }) => ({
  name,
  build(bench) {
    const rows = given.length;
    const capacity = roundUp(room, 4);
    const wide = Math.max(capacity, roundUp(Math.max(...given.map((row) => row.length)), 4));
    const score = new Float32Array(rows * wide).fill(CLOSED);
    const latent = new Uint32Array(rows * wide).fill(NONE);
    given.forEach((entries, r) =>
      entries.forEach((e, i) => {
        score[r * wide + (i + r) % wide] = e.value;
        latent[r * wide + (i + r) % wide] = e.latent;
      })
    );
    const candidates = {
      ...{ rows, capacity: wide },
      score: bench.floats("scores", score),
      latent: bench.words("latents", latent),
    };
    const best = {
      ...{ rows, capacity },
      score: bench.output("best scores", rows * capacity),
      latent: bench.output("best latents", rows * capacity),
    };
    const step = bench.words(
      "step",
      Uint32Array.from({ length: STEP.words }, (_, i) => i === STEP.k ? k : 99),
    );
    const floors = step;
    return {
      commands: [rankCandidates.record(bench.gpu, {
        candidates: { ...candidates, floors },
        best: { ...best, floors },
        step,
      })],
      verify() {
        const scores = bench.wordsOf(best.score), latents = bench.wordsOf(best.latent);
        // Minus infinity never enters a list, and infinity counts as the largest score.
        const kept = reference(given.map((row) => row.filter((e) => e.value > -Infinity)), k);
        kept.forEach((entries, r) => {
          const got = [...latents.subarray(r * capacity, (r + 1) * capacity)];
          const wanted = entries.map((e) => e.latent);
          assert.deepEqual(got, [...wanted, ...Array(capacity - wanted.length).fill(NONE)]);
          const values = entries.map((e) => Math.min(e.value, 3.4e38));
          assert.deepEqual([...scores.subarray(r * capacity, r * capacity + values.length)], [
            ...bitsOf(values),
          ]);
        });
      },
    };
  },
}));

Deno.test("rankCandidates keeps the k best, ties to the lowest latent", () => checkKernel(cases));

Deno.test("rankCandidates.record() refuses to keep more than there are", () => {
  // Checked before anything touches the device.
  const gpu = {} as Parameters<typeof rankCandidates.record>[0];
  const lists = (capacity: number) => ({ rows: 2, capacity }) as never;
  const args = { candidates: lists(4), best: lists(8), step: {} as GPUBuffer };
  assert.throws(() => rankCandidates.record(gpu, args), RangeError);
});
