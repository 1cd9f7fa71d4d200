import assert from "assert";
import { placeEntries } from "../../lib/kernels/place_entries.ts";
import { byLatent, packPlaced } from "./by_latent.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes, code, longCode, numbersFor } from "./samples.ts";

const codes = [
  ...awkwardCodes(),
  longCode(),
  // 300 rows are three vec4s of bits: the count of earlier rows crosses words and vec4s.
  { name: "three vec4s of bits", latents: 11, k: 6, code: code(300, 11, 6, { seed: 8 }) },
];

const cases: KernelCase[] = codes.map(({ name, latents, k, code }) => ({
  name,
  build(bench) {
    const dz = numbersFor(code);
    const out = byLatent(bench, code, latents, k, ["bits", "before", "offsets"]);
    return {
      commands: [placeEntries.record(bench.gpu, bench.code(code, k, dz), out)],
      verify() {
        const wanted = packPlaced(code, latents, k, dz);
        const got = bench.wordsOf(out.placed);
        assert.deepEqual(got.slice(0, wanted.length), wanted);
        assert.ok(got.slice(wanted.length).every((w) => w === 0x7fc0dead), "wrote behind the end");
      },
    };
  },
}));

Deno.test("placeEntries sorts entries by latent, rows ascending", () => checkKernel(cases));
