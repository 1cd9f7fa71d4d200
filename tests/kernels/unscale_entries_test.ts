import assert from "assert";
import { unscaleEntries } from "../../lib/kernels/unscale_entries.ts";
import { unscaleEntries as reference } from "../../lib/reference/unscale_entries.ts";
import { checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { filledLists, readEntries } from "./row_lists.ts";
import { awkwardCodes, longCode, vector } from "./samples.ts";

const cases: KernelCase[] = [...awkwardCodes(), longCode()].map(({ name, latents, code, k }) => ({
  name,
  build(bench) {
    const factors = vector(latents, { seed: 6 }).map((v) => Math.fround(Math.abs(v) + 0.1));
    const capacity = Math.ceil(k / 4) * 4;
    const lists = filledLists(
      bench,
      code,
      { capacity, keep: capacity, slice: Infinity },
      code.map(() => -1),
    );
    return {
      commands: [unscaleEntries.record(bench.gpu, lists.code, bench.floats("factors", factors))],
      verify() {
        reference(code, factors).forEach((row, r) => {
          const got = readEntries(bench, lists.code)[r];
          assert.deepEqual(got.filter((_, i) => i % 2 === 0), row.map((e) => e.latent));
          const values = new Float32Array(Uint32Array.from(got.filter((_, i) => i % 2)).buffer);
          // Division may be off by two and a half units of the last place.
          row.forEach((e, i) => assert.ok(Math.abs(values[i] - e.value) <= 3 * EPS * e.value));
        });
      },
    };
  },
}));

Deno.test("unscaleEntries divides values by their latents' factors", () => checkKernel(cases));
