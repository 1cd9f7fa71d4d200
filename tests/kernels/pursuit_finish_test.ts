import assert from "assert";
import { pursuitFinish } from "../../lib/kernels/pursuit_finish.ts";
import { pursuitFinish as reference } from "../../lib/reference/pursuit_finish.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { awkwardPicks, heldPicks, packOrder } from "./pursuit_samples.ts";

const cases: KernelCase[] = awkwardPicks().map(({ name, iterations, picks }) => ({
  name,
  build(bench) {
    const rows = picks.length;
    const capacity = roundUp(iterations, 4);
    const held = heldPicks(bench, picks, iterations, { lists: "read", order: "write" });
    const spans = bench.output("spans", rows * 2);
    // Behind a row's entries the sort leaves what it likes.
    const entries = bench.scratch("entries", rows * capacity * 2);
    const room = bench.scratch("scratch", rows * capacity * 2);
    const code = { rows, capacity, spans, entries, dz: room };
    return {
      commands: [pursuitFinish.record(bench.gpu, { picks: held, code, scratch: room })],
      verify() {
        const bounds = bench.wordsOf(spans);
        const words = bench.wordsOf(entries);
        const floats = bench.floatsOf(entries);
        reference(picks).code.forEach((row, r) => {
          assert.equal(bounds[2 * r], r * capacity);
          assert.equal(bounds[2 * r + 1], r * capacity + row.length, `entries of row ${r}`);
          row.forEach(({ latent, value }, i) => {
            const at = 2 * (r * capacity + i);
            assert.equal(words[at], latent, `row ${r}, entry ${i}`);
            const size = picks[r].reduce((sum, p) => sum + Math.abs(p.value), 0);
            const off = Math.abs(floats[at + 1] - value);
            assert.ok(off <= EPS * iterations * size, `value ${i} of row ${r} is off by ${off}`);
          });
        });
        assert.deepEqual(bench.wordsOf(held.order), packOrder(picks, capacity));
      },
    };
  },
}));

Deno.test("pursuitFinish adds up the picks of a latent, sorts latents and finds homes", () =>
  checkKernel(cases));

Deno.test("the value of a latent is the sum of its picks in their order", async () => {
  // 1 + 2^-24 + 2^-24 is 1 from the left and 1 + 2^-23 from the right.
  const tiny = 2 ** -24;
  const picks = [[1, tiny, tiny].map((value) => ({ latent: 3, value }))];
  await checkKernel([{
    name: "order of a sum",
    build(bench) {
      const held = heldPicks(bench, picks, 3, { lists: "read", order: "write" });
      const entries = bench.scratch("entries", 8);
      const room = bench.scratch("scratch", 8);
      const code = { rows: 1, capacity: 4, spans: bench.output("spans", 2), entries, dz: room };
      return {
        commands: [pursuitFinish.record(bench.gpu, { picks: held, code, scratch: room })],
        verify: () =>
          assert.deepEqual(bench.wordsOf(entries).slice(0, 2), Uint32Array.of(3, bitsOf([1])[0])),
      };
    },
  }]);
});
