import assert from "assert";
import { markEntries } from "../../lib/kernels/mark_entries.ts";
import { byLatent, packBits } from "./by_latent.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes, longCode, numbersFor } from "./samples.ts";

const cases: KernelCase[] = [...awkwardCodes(), longCode()].map(({ name, latents, k, code }) => ({
  name,
  build(bench) {
    const out = byLatent(bench, code, latents, k, []);
    const commands = markEntries.record(bench.gpu, bench.code(code, k, numbersFor(code)), out)
      // The wrapper clears the whole buffer; here the guard behind it has to stay.
      .map((c) => "kind" in c && c.kind === "clear" ? { ...c, size: latents * out.words * 4 } : c);
    return {
      commands,
      verify: () => assert.deepEqual(bench.wordsOf(out.bits), packBits(code, latents)),
    };
  },
}));

Deno.test("markEntries sets the bit of every entry and no other", () => checkKernel(cases));
