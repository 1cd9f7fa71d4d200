import assert from "assert";
import { sumValues } from "../../lib/kernels/sum_values.ts";
import { sumValues as reference } from "../../lib/reference/sum_values.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const shapes: { count: number; step: number; first: number; factor?: number; weight?: number }[] = [
  { count: 1, step: 1, first: 0 },
  { count: 63, step: 4, first: 2 },
  { count: 64, step: 2, first: 1, factor: 0.25 },
  { count: 1777, step: 1, first: 0, factor: 2, weight: 2 },
];

const cases: KernelCase[] = shapes.map(({ count, step, first, factor, weight }, i) => ({
  name: `${count} values, word ${first} of ${step}`,
  build(bench) {
    const values = vector(count * step, { seed: i });
    const out = bench.state("out", bitsOf([7, 7, 0.5]));
    return {
      commands: [sumValues.record(bench.gpu, {
        count,
        values: bench.floats("values", values),
        step,
        first,
        out,
        place: 1,
        factor,
        weight,
      })],
      verify() {
        const times = (factor ?? 1) * (weight === undefined ? 1 : 0.5);
        const wanted = times * reference(values, step, first);
        const bound = times * sumError(count) * reference(values.map(Math.abs), step, first);
        const words = bench.floatsOf(out);
        assertClose([words[1]], [wanted], [bound], "sum");
        assert.deepEqual([words[0], words[2]], [7, 0.5], "the words beside the sum stay");
      },
    };
  },
}));

Deno.test("sumValues adds one word of every record", () => checkKernel(cases));
