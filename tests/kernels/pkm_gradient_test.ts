import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { pkmGradient } from "../../lib/kernels/pkm_gradient.ts";
import { pkmGradient as reference } from "../../lib/reference/pkm_gradient.ts";
import type { Code, EntryNumbers } from "../../lib/reference/types.ts";
import { roundUp } from "../../lib/tensor/shards.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { awkwardCodes, code as draw, matrix, numbersFor } from "./samples.ts";

/** For every entry at least one of `heads` bits. */
function proposersFor(code: Code, heads: number): EntryNumbers {
  const stream = new RandomStream(21, "proposers");
  return code.map((entries, r) => entries.map((_, i) => 1 + stream.below(2 ** heads - 1, r, i)));
}

function cases(heads: number, add: boolean): KernelCase[] {
  const codes = [
    ...awkwardCodes(),
    // Narrow enough for rows in several buffers on a device with small bindings.
    { name: "300 rows", latents: 70, k: 9, code: draw(300, 70, 9) },
  ];
  return codes.filter(({ latents }) => latents < 100 || heads === 1).map((
    { name, latents, k, code },
  ) => ({
    name: `${name}, ${heads} heads`,
    build(bench) {
      const m1 = Math.ceil(Math.sqrt(latents) / 2);
      const m2 = Math.ceil(latents / m1);
      const dz = numbersFor(code);
      const proposers = proposersFor(code, heads);
      const room = roundUp(k, 4);
      const words = new Uint32Array(code.length * room).fill(0xffffffff);
      proposers.forEach((row, r) => words.set([...row], r * room));
      const cols = heads * (m1 + m2);
      const before = matrix(code.length, cols, { seed: 22 });
      const grad = add
        ? bench.stateRows("grad", before)
        : bench.outputRows("grad", before.length, cols);
      return {
        commands: pkmGradient.record(bench.gpu, {
          m1,
          m2,
          heads,
          code: bench.code(code, k, dz),
          proposers: heads > 1 ? bench.words("proposers", words) : undefined,
          grad,
          add,
        }),
        verify() {
          const sizes = dz.map((row) => row.map(Math.abs));
          const wanted = reference(code, dz, proposers, { m1, m2, heads });
          const most = reference(code, sizes, proposers, { m1, m2, heads });
          const old = (r: number, c: number) => add ? before[r][c] : 0;
          assertCloseRows(
            bench.matrixOf(grad),
            wanted.map((row, r) => row.map((v, c) => v + old(r, c))),
            most.map((row, r) =>
              row.map((v, c) => sumError(k) * (v + EPS) + EPS * Math.abs(old(r, c)))
            ),
            "grad",
          );
        },
      };
    },
  }));
}

Deno.test("pkmGradient gives every entry's derivative to both of its scores", () =>
  checkKernel(cases(1, false), [whole, split]));

Deno.test("pkmGradient gives it to every head that proposed the entry", () =>
  checkKernel(cases(3, false), [whole, split]));

Deno.test("pkmGradient adds to a gradient", () => checkKernel(cases(2, true), [whole, split]));

Deno.test("pkmGradient does the same with 32 threads a row", async () => {
  assert.equal(pkmGradient.plan(3, (await asHardware()).facts).lanes, 32);
  await checkKernel(cases(2, false), [asHardware]);
});

Deno.test("pkmGradient.record() asks who proposed an entry of several heads", () => {
  const args = { heads: 2 } as Parameters<typeof pkmGradient.record>[1];
  const gpu = {} as Parameters<typeof pkmGradient.record>[0];
  assert.throws(() => pkmGradient.record(gpu, args), RangeError);
});
