import { expValues } from "../../lib/kernels/exp_values.ts";
import { expValues as reference } from "../../lib/reference/exp_values.ts";
import { assertClose, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { vector } from "./samples.ts";

const cases: KernelCase[] = [1, 64, 131].map((count, i) => ({
  name: `${count} values`,
  build(bench) {
    const values = vector(count, { seed: i, scale: i === 2 ? 8 : 0.1 });
    values[0] = 0;
    const out = bench.output("out", count);
    return {
      commands: [
        expValues.record(bench.gpu, { count, values: bench.floats("values", values), out }),
      ],
      verify() {
        const wanted = reference(values);
        // WGSL promises 3 + 2|x| units of the last place.
        const bounds = wanted.map((v, j) => EPS * (4 + 2 * Math.abs(values[j])) * v);
        assertClose(bench.floatsOf(out), wanted, bounds, "value");
      },
    };
  },
}));

Deno.test("expValues raises e to every value", () => checkKernel(cases));
