import { medianUpdate } from "../../lib/kernels/median_update.ts";
import { columnSums } from "../../lib/reference/column_sums.ts";
import { medianUpdate as reference } from "../../lib/reference/median_update.ts";
import { bitsOf } from "./bench.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, vector } from "./samples.ts";

const cases: KernelCase[] = [1, 3, 4, 64, 131].map((d, i) => ({
  name: `d ${d}`,
  build(bench) {
    const rows = 12;
    const x = matrix(rows, d, { seed: i, scale: i === 2 ? 1e4 : 1 });
    const weights = vector(rows, { seed: 10 + i }).map((v) => Math.fround(Math.abs(v) + 0.1));
    const before = vector(d, { seed: 20 + i });
    // column_sums leaves four partial sums, since it adds vec4s.
    const partial = [0, 1, 2, 3].map((p) =>
      weights.filter((_, r) => r % 4 === p).reduce((sum, v) => sum + v, 0)
    );
    const padded = [...before, ...new Array(Math.ceil(d / 4) * 4 - d).fill(0)];
    const median = bench.state("median", bitsOf(padded));
    const moved = bench.output("moved", 1);
    return {
      commands: [medianUpdate.record(bench.gpu, {
        d,
        weightedSum: bench.vector("weighted sum", columnSums(x, weights)),
        weightSum: bench.floats("weight sum", partial),
        median,
        moved,
      })],
      verify() {
        const wanted = reference(x, weights, before);
        const bounds = wanted.median.map((v) => 8 * EPS * Math.abs(v));
        const got = bench.matrixOf({ buffer: median, rows: 1, cols: d })[0];
        assertClose(got, wanted.median, bounds, "median, column");
        const slip = Math.hypot(...bounds);
        const bound = slip + (sumError(d) + 4 * EPS) * wanted.moved;
        assertClose(bench.floatsOf(moved), [wanted.moved], [bound], "length of the move");
      },
    };
  },
}));

Deno.test("medianUpdate moves to the weighted mean", () => checkKernel(cases));
