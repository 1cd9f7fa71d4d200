import assert from "assert";
import { countEntries } from "../../lib/kernels/count_entries.ts";
import { countEntries as reference } from "../../lib/reference/count_entries.ts";
import { byLatent } from "./by_latent.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes } from "./samples.ts";

const cases: KernelCase[] = awkwardCodes().map(({ name, latents, k, code }) => ({
  name,
  build(bench) {
    const out = byLatent(bench, code, latents, k, ["bits"]);
    return {
      commands: [countEntries.record(bench.gpu, out)],
      verify: () =>
        assert.deepEqual(Array.from(bench.wordsOf(out.counts)), reference(code, latents)),
    };
  },
}));

Deno.test("countEntries counts the rows of every latent", () => checkKernel(cases));
