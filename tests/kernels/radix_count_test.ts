import assert from "assert";
import { radixCount } from "../../lib/kernels/radix_count.ts";
import { DIGITS, FOUND } from "../../lib/kernels/radix_state.ts";
import { bits32, radixCount as reference } from "../../lib/reference/radix_count.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes, code, longCode, vector } from "./samples.ts";

const wide = vector(400, { seed: 4, wide: true });
const codes = [
  ...awkwardCodes(),
  longCode(),
  {
    name: "sizes far apart",
    k: 20,
    code: code(37, 60, 20).map((row, r) =>
      row.map((e, i) => ({ ...e, value: Math.abs(wide[(7 * r + i) % 400]) }))
    ),
  },
];

const cases: KernelCase[] = codes.flatMap(({ name, code, k }) =>
  DIGITS.map(({ shift, bits }, digit) => ({
    name: `${name}, digit ${digit}`,
    build(bench) {
      // The prefix of an entry in the middle, so that some entries have it.
      const flat = code.flat();
      const prefix = flat.length ? bits32(flat[flat.length >> 1].value) : 0;
      const found = new Uint32Array(FOUND.words);
      // Digits that are not found yet are zero.
      found[FOUND.prefix] = Math.floor(prefix / 2 ** (shift + bits)) * 2 ** (shift + bits);
      const start = new Uint32Array(256).map((_, i) => i % 3);
      const bins = bench.state("bins", start);
      const radix = { bins, found: bench.words("found", found), state: bins };
      const rows = bench.code(code, k, code.map((row) => row.map(() => 0)));
      return {
        commands: [radixCount.record(bench.gpu, rows, radix, digit)],
        verify() {
          const counts = reference(code, prefix, shift + bits, shift);
          // The lowest digit has seven bits: an eighth is the prefix's.
          assert.deepEqual([...bench.wordsOf(bins)], counts.map((n, i) => n + start[i]));
        },
      };
    },
  } satisfies KernelCase))
);

Deno.test("radixCount counts the entries of a prefix by their next digit", () =>
  checkKernel(cases));
