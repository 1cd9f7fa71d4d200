import assert from "assert";
import { createBuffer, destroyBuffer } from "../../lib/gpu/device.ts";
import { createRows, destroyRows } from "../../lib/gpu/rows.ts";
import { projectRows } from "../../lib/kernels/project_rows.ts";
import { projectRows as reference } from "../../lib/reference/project_rows.ts";
import { dot } from "../../lib/reference/types.ts";
import {
  assertClose,
  assertCloseRows,
  checkKernel,
  EPS,
  type KernelCase,
  sumError,
} from "./check_kernel.ts";
import { split, whole } from "./device.ts";
import { matrix } from "./samples.ts";

const cases: KernelCase[] = [[1, 1], [67, 5], [150, 64], [65, 33], [7, 4]].map(([rows, d], i) => ({
  name: `${rows} rows, d ${d}`,
  build(bench) {
    const w = matrix(rows, d, { seed: i, scale: i === 3 ? 100 : 1 });
    if (rows > 5) w[5].fill(0);
    const grad = matrix(rows, d, { seed: 10 + i });
    // Almost parallel: what is left is the rounding of what was taken.
    if (rows > 6) grad[6].set(w[6]);
    const gradOnDevice = bench.stateRows("grad", grad);
    const squares = bench.output("squares", rows);
    return {
      commands: projectRows.record(bench.gpu, {
        w: bench.rows("w", w),
        grad: gradOnDevice,
        squares,
      }),
      verify() {
        const bounds = grad.map((g, l) => {
          const square = dot(w[l], w[l]);
          const products = dot(w[l].map(Math.abs), g.map(Math.abs));
          const factor = square > 0 ? products / square : 0;
          return g.map((v, c) => 2 * sumError(d) * factor * Math.abs(w[l][c]) + EPS * Math.abs(v));
        });
        const found = bench.matrixOf(gradOnDevice);
        assertCloseRows(found, reference(w, grad), bounds, "projected gradient");
        const lengths = found.map((row) => dot(row, row));
        const lost = lengths.map((v) => v * sumError(d));
        assertClose(bench.floatsOf(squares), lengths, lost, "square of row");
      },
    };
  },
}));

Deno.test("projectRows takes what is parallel to the row", () => checkKernel(cases));

Deno.test("projectRows refuses matrices that are split differently", async () => {
  const gpu = await split();
  const wide = createRows(gpu, "wide", 150, 64);
  const narrow = createRows(await whole(), "narrow", 150, 64);
  const squares = createBuffer(gpu, 150 * 4, "squares");
  assert.throws(() => projectRows.record(gpu, { w: wide, grad: narrow, squares }), /split unlike/);
  destroyBuffer(gpu, squares);
  destroyRows(gpu, wide);
  destroyRows(await whole(), narrow);
});
