import { centerRows } from "../../lib/kernels/center_rows.ts";
import { centerRows as reference } from "../../lib/reference/center_rows.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase, scaled } from "./check_kernel.ts";
import { matrix, sizes, vector } from "./samples.ts";

const cases: KernelCase[] = [[1, 1], [5, 3], [64, 4], [67, 13], [130, 64]].map(([rows, d], i) => ({
  name: `${rows} x ${d}`,
  build(bench) {
    const x = matrix(rows, d, { seed: i, wide: i === 3 });
    const bias = vector(d, { seed: 50 + i });
    const centred = bench.outputSheet("centred", rows, d);
    return {
      commands: [centerRows.record(bench.gpu, {
        rows,
        d,
        x: bench.sheet("x", x).buffer,
        bias: bench.vector("bias", bias),
        centred: centred.buffer,
      })],
      verify() {
        const bounds = scaled(reference(sizes(x), bias.map((v) => -Math.abs(v))), EPS);
        assertCloseRows(bench.matrixOf(centred), reference(x, bias), bounds, "centred");
      },
    };
  },
}));

Deno.test("centerRows takes the bias from every row", () => checkKernel(cases));
