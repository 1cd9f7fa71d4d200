import assert from "assert";
import { sumValues } from "../../lib/kernels/sum_values.ts";
import { sumValues as reference } from "../../lib/reference/sum_values.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const shapes = [
  { count: 1, step: 1, first: 0 },
  { count: 63, step: 4, first: 2 },
  { count: 64, step: 2, first: 1 },
  { count: 1777, step: 1, first: 0 },
];

const cases: KernelCase[] = shapes.map(({ count, step, first }, i) => ({
  name: `${count} values, word ${first} of ${step}`,
  build(bench) {
    const values = vector(count * step, { seed: i });
    const out = bench.state("out", new Uint32Array([7, 7, 7]));
    return {
      commands: [sumValues.record(bench.gpu, {
        count,
        values: bench.floats("values", values),
        step,
        first,
        out,
        place: 1,
      })],
      verify() {
        const wanted = reference(values, step, first);
        const bound = sumError(count) * reference(values.map(Math.abs), step, first);
        const words = bench.wordsOf(out);
        assertClose([bench.floatsOf(out)[1]], [wanted], [bound], "sum");
        assert.deepEqual([words[0], words[2]], [7, 7], "the words beside the sum stay");
      },
    };
  },
}));

Deno.test("sumValues adds one word of every record", () => checkKernel(cases));
