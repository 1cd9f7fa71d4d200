import assert from "assert";
import { pkmMerge } from "../../lib/kernels/pkm_merge.ts";
import { pkmMerge as reference } from "../../lib/reference/pkm_merge.ts";
import type { Code } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { code } from "./samples.ts";

interface Lists {
  name: string;
  heads: number;
  /** Most entries of a list. */
  k: number;
  lists: Code;
}

const inputs: Lists[] = [
  { name: "one head", heads: 1, k: 5, lists: code(37, 40, 5) },
  { name: "two heads, few latents", heads: 2, k: 6, lists: code(66, 9, 6) },
  { name: "three heads, many latents", heads: 3, k: 7, lists: code(99, 5000, 7) },
  { name: "all heads the same", heads: 4, k: 3, lists: code(12, 3, 3, { counts: () => 3 }) },
  { name: "empty", heads: 2, k: 2, lists: code(6, 10, 2, { counts: () => 0 }) },
  {
    name: "every second head empty",
    heads: 2,
    k: 9,
    lists: code(40, 99, 9, { counts: (i) => i % 2 * 9 }),
  },
  { name: "32 heads", heads: 32, k: 2, lists: code(64, 20, 2) },
];

const cases: KernelCase[] = inputs.map(({ name, heads, k, lists }) => ({
  name,
  build(bench) {
    const rows = lists.length / heads;
    const capacity = roundUp(k, 4) * heads;
    const { dz: _, ...given } = bench.code(lists, k, lists.map((row) => row.map(() => 0)));
    const made = {
      rows,
      capacity,
      spans: bench.output("spans", rows * 2),
      entries: bench.scratch("entries", rows * capacity * 2),
    };
    const proposers = bench.scratch("proposers", rows * capacity);
    const found = () => {
      const spans = bench.wordsOf(made.spans);
      const all = bench.wordsOf(made.entries);
      const who = bench.wordsOf(proposers);
      return Array.from({ length: rows }, (_, r) => {
        const [begin, end] = spans.slice(2 * r, 2 * r + 2);
        return { entries: [...all.slice(2 * begin, 2 * end)], who: [...who.slice(begin, end)] };
      });
    };
    bench.compare("rows", () => Uint32Array.from(found().flatMap((r) => [...r.entries, ...r.who])));
    return {
      commands: [pkmMerge.record(bench.gpu, { heads, lists: given, code: made, proposers })],
      verify() {
        // Heads add in their order, so that not even rounding may differ.
        const wanted = reference(lists, heads, Math.fround);
        found().forEach(({ entries, who }, r) => {
          const bits = wanted.code[r].flatMap((e) => [e.latent, bitsOf([e.value])[0]]);
          assert.deepEqual(entries, bits, `row ${r}`);
          assert.deepEqual(who, [...wanted.proposers[r]], `proposers of row ${r}`);
          assert.equal(bench.wordsOf(made.spans)[2 * r], r * capacity);
        });
      },
    };
  },
}));

Deno.test("pkmMerge adds up what heads have in common and says whose it is", () =>
  checkKernel(cases));

Deno.test("pkmMerge.record() refuses lists of another number of heads", () => {
  const args = { heads: 2, lists: { rows: 5 }, code: { rows: 3 } };
  const gpu = {} as Parameters<typeof pkmMerge.record>[0];
  assert.throws(
    () => pkmMerge.record(gpu, args as Parameters<typeof pkmMerge.record>[1]),
    RangeError,
  );
});
