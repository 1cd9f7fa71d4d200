import assert from "assert";
import { STEP } from "../../lib/kernels/common.ts";
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

/** Every third row does not count; the mean is over the others. */
const masked: KernelCase[] = SHAPES.slice(1).map(([rows, d], i) => ({
  name: `${rows} x ${d}, masked`,
  build(bench) {
    const target = matrix(rows, d, { seed: 30 + i });
    const recon = matrix(rows, d, { seed: 40 + i });
    const counts = target.map((_, r) => r % 3 !== 1);
    const counted = counts.filter((c) => c).length;
    const meanSum = columnSums(target.filter((_, r) => counts[r])).map(Math.fround);
    const residual = bench.outputSheet("residual", rows, d);
    const stats = bench.output("stats", rows * STATS);
    const step = new Uint32Array(STEP.words).fill(77);
    step[STEP.leftOut] = rows - counted;
    return {
      commands: [residualRows.record(bench.gpu, {
        rows,
        d,
        target: bench.sheet("target", target).buffer,
        recon: bench.sheet("recon", recon).buffer,
        meanSum: bench.vector("mean sum", meanSum),
        // That of all rows: not what is wanted.
        meanFactor: 1 / rows,
        residual: residual.buffer,
        stats,
        mask: {
          rows: bench.floats("mask", counts.map((c) => c ? 1 : 0)),
          step: bench.words("step", step),
        },
      })],
      verify() {
        const mean = meanSum.map((v) => v / counted);
        const wanted = reference(target, recon, mean);
        const zero = (row: Float64Array, r: number) => counts[r] ? row : row.map(() => 0);
        assertCloseRows(
          bench.matrixOf(residual),
          wanted.residual.map(zero),
          wanted.residual.map((row) => row.map((v) => EPS * Math.abs(v))),
          "residual",
        );
        const floats = bench.floatsOf(stats);
        wanted.stats.forEach((s, r) => {
          const numbers = [s.squaredError, s.spread, s.reconSquare, s.product, s.targetSquare, 1];
          const most = 8 * (dot(target[r], target[r]) + dot(recon[r], recon[r]) + dot(mean, mean));
          assertClose(
            floats.subarray(r * STATS, r * STATS + 6),
            numbers.map((v) => counts[r] ? v : 0),
            numbers.map((_, n) => n < 5 ? sumError(d) * most : 0),
            `stats of row ${r}, number`,
          );
        });
      },
    };
  },
}));

Deno.test("residualRows leaves rows out", () => checkKernel(masked));

Deno.test("residualRows sums what a residual means that is there already", () =>
  checkKernel(given));
