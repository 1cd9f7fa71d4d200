import assert from "assert";
import { FOUND } from "../../lib/kernels/radix_state.ts";
import { selectEntries } from "../../lib/kernels/select_entries.ts";
import { bits32 } from "../../lib/reference/radix_count.ts";
import { kthValue } from "../../lib/reference/radix_pick.ts";
import { selectEntries as reference } from "../../lib/reference/select_entries.ts";
import type { Code } from "../../lib/reference/types.ts";
import { SCAN_CHUNK } from "../../lib/kernels/code.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { entriesOf, filledLists, readEntries } from "./row_lists.ts";
import { awkwardCodes, code, longCode } from "./samples.ts";

const random = code(137, 60, 20, { seed: 5 });
const tied = random.map((row, r) =>
  row.map((e, i) => ({ ...e, value: [0.5, 1, 1, 2][(3 * r + i) % 4] }))
);
const equal = random.map((row) => row.map((e) => ({ ...e, value: 0.7 })));
const entries = random.flat().length;

const selections: { name: string; code: Code; wanted: number }[] = [
  ...awkwardCodes().map(({ name, code }) => ({ name, code, wanted: 5 })),
  { name: "long rows", code: longCode().code, wanted: 300 },
  { name: "random", code: random, wanted: 500 },
  { name: "one of all equal", code: equal, wanted: 1 },
  { name: "half of all equal", code: equal, wanted: Math.floor(entries / 2) },
  { name: "all but one of all equal", code: equal, wanted: entries - 1 },
  { name: "as many as there are", code: tied, wanted: entries },
  { name: "more than there are", code: tied, wanted: entries + 7 },
  ...[1, 3, 10, 50].map((share) => ({
    name: `ties, one of ${share}`,
    code: tied,
    wanted: Math.floor(entries / share),
  })),
];

const cases: KernelCase[] = selections.map(({ name, code, wanted }) => ({
  name,
  build(bench) {
    const rows = code.length;
    const { value, above, ties } = kthValue(code, wanted);
    const found = new Uint32Array(FOUND.words).fill(9);
    found[FOUND.prefix] = bits32(value);
    found[FOUND.remaining] = value > 0 ? wanted - above : 0;
    found[FOUND.ties] = ties;
    const capacity = 152;
    const lists = filledLists(
      bench,
      code,
      { capacity, keep: capacity, slice: Infinity },
      code.map(() => -1),
    );
    return {
      commands: selectEntries.record(bench.gpu, lists.code, bench.words("found", found), {
        counts: bench.scratch("tie counts", rows),
        chunkStarts: bench.scratch("chunk starts", Math.ceil(rows / SCAN_CHUNK)),
        offsets: bench.scratch("tie offsets", rows + 1),
      }),
      verify() {
        assert.deepEqual(
          readEntries(bench, lists.code),
          entriesOf(reference(code, wanted)),
        );
      },
    };
  },
}));

Deno.test("selectEntries keeps the K largest of a batch, ties to the lowest row and latent", () =>
  checkKernel(cases));

Deno.test("golden values of BatchTopK", () => {
  // Architectures spec, section 3: k = 1.5, K = 3.
  const s = [[3, 1, 2], [2, 2, 0.5]];
  const scores = s.map((row) => row.map((value, latent) => ({ latent, value })));
  const selected = reference(scores, 3).map((row) => row.map((e) => e.latent));
  assert.deepEqual(selected, [[0, 2], [0]]);
  assert.equal(kthValue(scores, 3).value, 2);
  assert.deepEqual(scores.map((row) => row.filter((e) => e.value > 2).map((e) => e.latent)), [
    [0],
    [],
  ]);
});
