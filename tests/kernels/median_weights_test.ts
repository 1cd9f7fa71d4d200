import { medianWeights } from "../../lib/kernels/median_weights.ts";
import { medianWeights as reference } from "../../lib/reference/median_weights.ts";
import { assertClose, checkKernel, EPS, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, vector } from "./samples.ts";

const cases: KernelCase[] = [[1, 1], [67, 5], [130, 64], [5, 7]].map(([rows, d], i) => ({
  name: `${rows} x ${d}`,
  build(bench) {
    const x = matrix(rows, d, { seed: i, scale: i === 2 ? 1e6 : 1 });
    const median = vector(d, { seed: 20 + i });
    // The bound keeps the weight of a row that equals the median finite.
    if (rows > 4) x[3].set(median);
    const weights = bench.output("weights", rows);
    return {
      commands: [medianWeights.record(bench.gpu, {
        rows,
        d,
        x: bench.sheet("x", x).buffer,
        median: bench.vector("median", median),
        weights,
      })],
      verify() {
        const wanted = reference(x, median);
        const bounds = wanted.map((v) => (sumError(d) + 8 * EPS) * v);
        assertClose(bench.floatsOf(weights), wanted, bounds, "weight of row");
      },
    };
  },
}));

Deno.test("medianWeights is one over the distance, bounded", () => checkKernel(cases));
