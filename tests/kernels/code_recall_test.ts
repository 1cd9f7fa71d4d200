import assert from "assert";
import { codeRecall } from "../../lib/kernels/code_recall.ts";
import { codeRecall as reference } from "../../lib/reference/code_recall.ts";
import type { Code } from "../../lib/reference/types.ts";
import { bitsOf } from "./bench.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { code } from "./samples.ts";

const WORD = 5;

const inputs: { name: string; wanted: Code; found: Code; k: number }[] = [
  { name: "the same", k: 7, wanted: code(33, 90, 7), found: code(33, 90, 7) },
  { name: "others", k: 9, wanted: code(64, 30, 9), found: code(64, 30, 9, { seed: 8 }) },
  { name: "more rows", k: 5, wanted: code(64, 20, 5), found: code(131, 20, 4, { seed: 3 }) },
  { name: "one row", k: 3, wanted: code(1, 4, 3), found: code(1, 4, 3, { seed: 4 }) },
  {
    name: "nothing wanted",
    k: 3,
    wanted: code(5, 9, 3, { counts: () => 0 }),
    found: code(5, 9, 3),
  },
  {
    name: "nothing found",
    k: 3,
    wanted: code(5, 9, 3, { counts: () => 3 }),
    found: code(5, 9, 3, { counts: () => 0 }),
  },
];

const cases: KernelCase[] = inputs.map(({ name, wanted, found, k }) => ({
  name,
  build(bench) {
    const before = Float32Array.from({ length: 16 }, (_, i) => i + 0.5);
    const scalars = bench.state("scalars", bitsOf(before));
    // Not written: the derivatives belong to a code all the same.
    const dz = (c: Code) => c.map((row) => row.map(() => 1));
    return {
      commands: [codeRecall.record(bench.gpu, {
        wanted: bench.code(wanted, k, dz(wanted)),
        found: bench.code(found, k, dz(found)),
        scalars,
        word: WORD,
      })],
      verify() {
        const got = bench.floatsOf(scalars);
        const share = reference(wanted, found.slice(0, wanted.length));
        const expected = before.map((v, i) => i === WORD ? share : v);
        assert.ok(Math.abs(got[WORD] - share) <= 2 ** -23, `${got[WORD]}, wanted ${share}`);
        assert.deepEqual(
          [...got].toSpliced(WORD, 1),
          [
            ...expected,
          ].toSpliced(WORD, 1),
        );
      },
    };
  },
}));

Deno.test("codeRecall is the share of entries that the other code has too", () =>
  checkKernel(cases));

Deno.test("codeRecall.record() refuses more rows than it has threads", () => {
  const gpu = {} as Parameters<typeof codeRecall.record>[0];
  const args = { wanted: { rows: 65 }, found: { rows: 65 } } as Parameters<
    typeof codeRecall.record
  >[1];
  assert.throws(() => codeRecall.record(gpu, args), RangeError);
});
