import { normGradient } from "../../lib/kernels/norm_gradient.ts";
import { normGradient as reference } from "../../lib/reference/norm_gradient.ts";
import { dot } from "../../lib/reference/types.ts";
import { assertCloseRows, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const shapes = [
  { name: "one number", rows: 1, d: 1, zero: [] },
  { name: "primes", rows: 131, d: 37, zero: [] },
  { name: "whole buffers", rows: 128, d: 64, zero: [] },
  { name: "zero rows", rows: 70, d: 9, zero: [0, 5, 69] },
];

const cases: KernelCase[] = shapes.map(({ name, rows, d, zero }, i) => ({
  name,
  build(bench) {
    const w = matrix(rows, d, { seed: i, scale: 0.3 });
    for (const r of zero) w[r].fill(0);
    const g = matrix(rows, d, { seed: 20 + i });
    const grad = bench.stateRows("grad", g);
    return {
      commands: normGradient.record(bench.gpu, { w: bench.rows("w", w), grad }),
      verify() {
        const bounds = g.map((row, r) => {
          const length = Math.sqrt(dot(row, row)) / Math.max(Math.sqrt(dot(w[r], w[r])), 1e-30);
          return Float64Array.from(row, () => 4 * sumError(d) * length);
        });
        zero.forEach((r) => bounds[r].fill(0));
        assertCloseRows(bench.matrixOf(grad), reference(w, g), bounds, "gradient");
      },
    };
  },
}));

Deno.test("normGradient takes the parallel part away and divides by the length", () =>
  checkKernel(cases));
