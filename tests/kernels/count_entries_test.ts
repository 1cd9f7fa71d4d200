import assert from "assert";
import { countEntries } from "../../lib/kernels/count_entries.ts";
import { countEntries as reference } from "../../lib/reference/count_entries.ts";
import { byLatent, packBefore } from "./by_latent.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes, code } from "./samples.ts";

const codes = [
  ...awkwardCodes(),
  { name: "three vec4s of bits", latents: 11, k: 6, code: code(300, 11, 6, { seed: 8 }) },
];

const cases: KernelCase[] = codes.map(({ name, latents, k, code }) => ({
  name,
  build(bench) {
    const out = byLatent(bench, code, latents, k, ["bits"]);
    return {
      commands: [countEntries.record(bench.gpu, out)],
      verify() {
        assert.deepEqual(Array.from(bench.wordsOf(out.counts)), reference(code, latents));
        assert.deepEqual(bench.wordsOf(out.before), packBefore(code, latents));
      },
    };
  },
}));

Deno.test("countEntries counts the rows of every latent, and those before each 128", () =>
  checkKernel(cases));
