import assert from "assert";
import { residualRows, STATS } from "../../lib/kernels/residual_rows.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { residualRows as reference } from "../../lib/reference/residual_rows.ts";
import { dot } from "../../lib/reference/types.ts";
import {
  assertClose,
  assertCloseRows,
  checkKernel,
  EPS,
  type KernelCase,
  sumError,
} from "./check_kernel.ts";
import { matrix } from "./samples.ts";

const SHAPES = [[1, 1], [37, 3], [65, 64], [130, 21], [2, 4]];

const cases: KernelCase[] = SHAPES.map(([rows, d], i) => ({
  name: `${rows} x ${d}`,
  build(bench) {
    const target = matrix(rows, d, { seed: i, wide: i === 3 });
    const recon = i === 4 ? target : matrix(rows, d, { seed: 10 + i });
    const meanSum = columnSums(target).map(Math.fround);
    const meanFactor = Math.fround(1 / rows);
    const residual = bench.outputSheet("residual", rows, d);
    const stats = bench.output("stats", rows * STATS);
    return {
      commands: [residualRows.record(bench.gpu, {
        rows,
        d,
        target: bench.sheet("target", target).buffer,
        recon: bench.sheet("recon", recon).buffer,
        meanSum: bench.vector("mean sum", meanSum),
        meanFactor,
        residual: residual.buffer,
        stats,
      })],
      verify() {
        const mean = meanSum.map((v) => v * meanFactor);
        const wanted = reference(target, recon, mean);
        const bounds = wanted.residual.map((row) => row.map((v) => EPS * Math.abs(v)));
        assertCloseRows(bench.matrixOf(residual), wanted.residual, bounds, "residual");
        const floats = bench.floatsOf(stats);
        const sum = sumError(d);
        wanted.stats.forEach((s, r) => {
          const sizes = target[r].map((y, c) => Math.abs(y) + Math.abs(mean[c]));
          const products = dot(target[r].map(Math.abs), recon[r].map(Math.abs));
          assertClose(
            floats.subarray(r * STATS, r * STATS + 5),
            [s.squaredError, s.spread, s.reconSquare, s.product, s.targetSquare],
            [
              sum * s.squaredError,
              sum * s.spread + 4 * EPS * dot(sizes, sizes),
              sum * s.reconSquare,
              sum * products,
              sum * s.targetSquare,
            ],
            `stats of row ${r}, number`,
          );
          assert.deepEqual([...floats.subarray(r * STATS + 5, (r + 1) * STATS)], [0, 0, 0]);
        });
      },
    };
  },
}));

Deno.test("residualRows subtracts and sums what losses need", () => checkKernel(cases));

const given: KernelCase[] = SHAPES.map(([rows, d], i) => ({
  name: `${rows} x ${d}`,
  build(bench) {
    const target = matrix(rows, d, { seed: i });
    const residual = matrix(rows, d, { seed: 20 + i });
    const mean = new Float64Array(d);
    const stats = bench.output("stats", rows * STATS);
    return {
      commands: [residualRows.record(bench.gpu, {
        rows,
        d,
        target: bench.sheet("target", target).buffer,
        meanSum: bench.vector("mean sum", mean),
        meanFactor: 1,
        // An input: the checker wants it as it was.
        residual: bench.sheet("residual", residual).buffer,
        stats,
      })],
      verify() {
        const recon = target.map((row, r) => row.map((y, c) => y - residual[r][c]));
        const floats = bench.floatsOf(stats);
        reference(target, recon, mean).stats.forEach((s, r) => {
          const most = 3 * (dot(target[r], target[r]) + dot(residual[r], residual[r]));
          assertClose(
            floats.subarray(r * STATS, r * STATS + 5),
            [s.squaredError, s.spread, s.reconSquare, s.product, s.targetSquare],
            new Array(5).fill(sumError(d) * most),
            `stats of row ${r}, number`,
          );
        });
      },
    };
  },
}));

Deno.test("residualRows sums what a residual means that is there already", () =>
  checkKernel(given));
