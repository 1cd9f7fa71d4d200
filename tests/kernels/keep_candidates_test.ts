import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { keepCandidates } from "../../lib/kernels/keep_candidates.ts";
import { keepCandidates as reference } from "../../lib/reference/keep_candidates.ts";
import type { Entry } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { entriesOf, readEntries } from "./row_lists.ts";

const stream = new RandomStream(5, "candidates");

/** Up to `count` candidates a row; values from few numbers, so that many are equal, where asked. */
function drawn(rows: number, count: number, alike = 0): Entry[][] {
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: count - r % 3 }, (_, i) => ({
      latent: 3 * i + r % 3,
      value: alike ? stream.below(alike, r, i) - 1 : Math.fround(stream.normal(r, i)),
    })));
}

const of = (...values: number[]): Entry[] => values.map((value, i) => ({ latent: 9 + i, value }));

const inputs: { name: string; k: number; room?: number; given: Entry[][] }[] = [
  { name: "one", k: 1, given: [of(2)] },
  { name: "nothing", k: 3, given: [[], []] },
  { name: "nothing positive", k: 2, given: [of(-1, 0, -0, -3)] },
  { name: "fewer than k", k: 7, given: [of(1, -2), of(), of(3, 1, 2)] },
  { name: "random", k: 8, given: drawn(67, 35) },
  { name: "many are equal", k: 9, given: drawn(33, 45, 3) },
  { name: "all are equal", k: 5, given: [of(1, 1, 1, 1, 1, 1, 1, 1)] },
  { name: "k below the room of the code", k: 3, room: 16, given: drawn(9, 64) },
  { name: "long rows", k: 100, given: drawn(5, 600) },
  { name: "not a number", k: 2, given: [of(NaN, 1, NaN, 4, 2), of(NaN, NaN)] },
  { name: "infinite", k: 2, given: [of(1, Infinity, -Infinity, 3), of(Infinity, 5, Infinity)] },
  { name: "far apart", k: 3, given: [of(1e-38, 1e38, 1e-40, 2, 1e-44)] },
];

const cases: KernelCase[] = inputs.map(({ name, k, room = k, given }) => ({
  name,
  build(bench) {
    const rows = given.length;
    const capacity = roundUp(room, 4);
    const most = Math.max(1, ...given.map((row) => row.length));
    // What the entries hold is another number than the score; behind them stands an earlier batch.
    const listed = given.map((row) => row.map(({ latent }) => ({ latent, value: 7 })));
    const candidates = bench.code(listed, most, given.map((row) => row.map((e) => e.value)));
    const code = {
      ...{ rows, capacity },
      spans: bench.output("code spans", rows * 2),
      entries: bench.scratch("code entries", rows * capacity * 2),
      dz: bench.scratch("code dz", 4),
    };
    bench.compare("code", () => Uint32Array.from(readEntries(bench, code).flat()));
    const step = Uint32Array.from({ length: STEP.words }, (_, i) => i === STEP.k ? k : 99);
    return {
      commands: [keepCandidates.record(bench.gpu, {
        candidates,
        scores: candidates.dz,
        code,
        step: bench.words("step", step),
      })],
      verify() {
        const finite = given.map((row) =>
          row.map(({ latent, value }) => ({ latent, value: Math.min(value, Math.fround(3.4e38)) }))
        );
        assert.deepEqual(readEntries(bench, code), entriesOf(reference(finite, k)));
        const spans = bench.wordsOf(code.spans);
        given.forEach((_, r) => assert.equal(spans[2 * r], r * capacity));
      },
    };
  },
}));

Deno.test("keepCandidates keeps the k best, ties to the lowest latent, latents ascending", () =>
  checkKernel(cases));
