import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { topkFinish } from "../../lib/kernels/topk_finish.ts";
import { topkFinish as reference } from "../../lib/reference/topk_finish.ts";
import type { Entry } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { code } from "./samples.ts";

const NONE = 0xffffffff;
const CLOSED = 3.4028234663852886e38;
const stream = new RandomStream(7, "finish");

/** Lists in a random order, some scores not positive, with `holes` empty slots among them. */
function lists(rows: number, latents: number, k: number, lossy = true): Entry[][] {
  return code(rows, latents, k, { seed: rows }).map((entries, r) =>
    entries.map((e, i) => {
      const fate = lossy ? stream.below(5, r, i) : 4;
      return { ...e, value: fate === 0 ? -e.value : fate === 1 ? [0, -0][i % 2] : e.value };
    }).toSorted((a, b) => stream.u32(100 + r, a.latent) - stream.u32(100 + r, b.latent))
  );
}

const inputs: { name: string; k: number; selected: Entry[][]; map?: number[] }[] = [
  { name: "one row", k: 1, selected: [[{ latent: 3, value: 2 }]] },
  { name: "nothing positive", k: 3, selected: [[{ latent: 1, value: -1 }], []] },
  { name: "random", k: 7, selected: lists(67, 200, 7) },
  { name: "falling latents", k: 64, selected: [code(1, 64, 64)[0].toReversed()] },
  { name: "long rows, few of them full", k: 100, selected: lists(9, 300, 90) },
  {
    name: "long rows, mapped",
    k: 70,
    selected: lists(9, 80, 70),
    map: Array.from({ length: 80 }, (_, i) => i * 5 + 1),
  },
  { name: "long rows", k: 100, selected: lists(5, 300, 100) },
  { name: "all positive", k: 33, selected: lists(40, 64, 33, false) },
  {
    name: "mapped",
    k: 9,
    selected: lists(66, 50, 9),
    map: Array.from({ length: 50 }, (_, i) => i * 7 + 3),
  },
  {
    name: "huge values",
    k: 2,
    selected: [[{ latent: 9, value: 1e38 }, { latent: 2, value: 1e-38 }]],
  },
];

const cases: KernelCase[] = inputs.map(({ name, k, selected, map }) => ({
  name,
  build(bench) {
    const capacity = roundUp(k, 4);
    const rows = selected.length;
    // Empty slots hold what topk_merge leaves there: the largest float and no latent.
    const score = new Float32Array(rows * capacity).fill(CLOSED);
    const latent = new Uint32Array(rows * capacity).fill(NONE);
    selected.forEach((entries, r) =>
      entries.forEach((e, i) => {
        const slot = r * capacity + (i + r) % capacity;
        score[slot] = e.value;
        latent[slot] = e.latent;
      })
    );
    const spans = bench.output("spans", rows * 2);
    const entries = bench.scratch("entries", rows * capacity * 2);
    const values = () => {
      const words = bench.wordsOf(spans);
      const all = bench.wordsOf(entries);
      return selected.map((_, r) => [...all.slice(words[2 * r] * 2, words[2 * r + 1] * 2)]);
    };
    bench.compare("code", () => Uint32Array.from(values().flat()));
    return {
      commands: [topkFinish.record(bench.gpu, {
        best: {
          rows,
          capacity,
          score: bench.floats("score", score),
          latent: bench.words("latent", latent),
          floors: bench.scratch("floors", 4),
        },
        code: { rows, capacity, spans, entries, dz: bench.scratch("dz", 4) },
        scratch: bench.scratch("scratch", rows * capacity * 2),
        map: map && bench.words("map", map),
      })],
      verify() {
        const wanted = reference(selected, map);
        const words = bench.wordsOf(spans);
        const got = values();
        wanted.forEach((row, r) => {
          assert.equal(words[2 * r], r * capacity, `begin of row ${r}`);
          const bits = row.flatMap((e) => [e.latent, bitsOf([e.value])[0]]);
          assert.deepEqual(got[r], bits, `row ${r}`);
        });
      },
    };
  },
}));

Deno.test("topkFinish drops what is not positive and sorts by latent", () => checkKernel(cases));

Deno.test("topkFinish.record() refuses lists and codes of different sizes", () => {
  const args = { best: { rows: 3, capacity: 4 }, code: { rows: 3, capacity: 8 } };
  const gpu = {} as Parameters<typeof topkFinish.record>[0];
  assert.throws(
    () => topkFinish.record(gpu, args as Parameters<typeof topkFinish.record>[1]),
    RangeError,
  );
});
