import assert from "assert";
import { appendCode } from "../../lib/kernels/append_code.ts";
import { appendCode as reference } from "../../lib/reference/append_code.ts";
import { checkKernel, type KernelCase } from "./check_kernel.ts";
import { awkwardCodes, code } from "./samples.ts";

const cases: KernelCase[] = awkwardCodes().map(({ name, latents, k, code: first }, i) => ({
  name,
  build(bench) {
    const rows = first.length;
    const codes = [first, code(rows, latents, k, { seed: 60 + i }), first];
    const room = 3 * Math.ceil(k / 4) * 4;
    const joined = {
      rows,
      capacity: room,
      spans: bench.output("joined spans", rows * 2),
      entries: bench.output("joined", rows * room * 2),
      dz: bench.floats("dz", []),
    };
    return {
      commands: appendCode.record(bench.gpu, codes.map((c) => bench.code(c, k)), latents, joined),
      verify() {
        const wanted = reference(codes, latents);
        const spans = bench.wordsOf(joined.spans);
        const words = bench.wordsOf(joined.entries);
        const values = bench.floatsOf(joined.entries);
        wanted.forEach((entries, r) => {
          assert.deepEqual([...spans.subarray(2 * r, 2 * r + 2)], [
            r * room,
            r * room + entries.length,
          ]);
          const found = entries.map((_, e) => ({
            latent: words[2 * (r * room + e)],
            value: values[2 * (r * room + e) + 1],
          }));
          assert.deepEqual(found, entries);
        });
      },
    };
  },
}));

Deno.test("appendCode joins the rows of several codes, latents ascending", () =>
  checkKernel(cases));
