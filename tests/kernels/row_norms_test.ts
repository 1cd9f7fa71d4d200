import { rowNorms } from "../../lib/kernels/row_norms.ts";
import { rowNorms as reference } from "../../lib/reference/row_norms.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const cases: KernelCase[] = [[1, 1], [67, 5], [300, 64], [130, 7]].map(([rows, d], i) => ({
  name: `${rows} x ${d}`,
  build(bench) {
    const w = matrix(rows, d, { seed: i, scale: i === 2 ? 1e6 : 1 });
    w[0].fill(0);
    const norms = bench.output("norms", rows);
    return {
      commands: rowNorms.record(bench.gpu, bench.rows("w", w), norms),
      verify() {
        const wanted = reference(w);
        const bounds = wanted.map((v) => (sumError(d) + 4 * EPS) * v);
        assertClose(bench.floatsOf(norms), wanted, bounds, "norm of row");
      },
    };
  },
}));

const joined: KernelCase[] = [[1, 1, 2], [67, 5, 3], [130, 7, 64]].map(([rows, d, d2], i) => ({
  name: `${rows} x ${d} and ${d2}`,
  build(bench) {
    const first = matrix(rows, d, { seed: 10 + i });
    const second = matrix(rows, d2, { seed: 20 + i });
    const norms = bench.output("norms", rows);
    return {
      commands: [
        ...rowNorms.record(bench.gpu, bench.rows("first", first), norms),
        ...rowNorms.record(bench.gpu, bench.rows("second", second), norms, true),
      ],
      verify() {
        const wanted = reference(first.map((row, r) => Float64Array.of(...row, ...second[r])));
        const bounds = wanted.map((v) => (sumError(d + d2) + 8 * EPS) * v);
        assertClose(bench.floatsOf(norms), wanted, bounds, "norm of row");
      },
    };
  },
}));

Deno.test("rowNorms joins the rows of two matrices", () => checkKernel(joined));

Deno.test("rowNorms is the length of every row, zero rows included", () => checkKernel(cases));
