import assert from "assert";
import { addRows } from "../../lib/kernels/add_rows.ts";
import { addRows as reference } from "../../lib/reference/add_rows.ts";
import { assertCloseRows, checkKernel, EPS, type KernelCase } from "./check_kernel.ts";
import { whole } from "./device.ts";
import { Bench } from "./bench.ts";
import { matrix, sizes, vector } from "./samples.ts";

const shapes = [
  { rows: 1, d: 1, own: true, step: 1, place: 0 },
  { rows: 131, d: 7, own: true, step: 4, place: 1 },
  { rows: 200, d: 64, own: false, step: 4, place: 3 },
  { rows: 70, d: 33, own: false, step: 1, place: 0 },
];

const cases: KernelCase[] = shapes.map(({ rows, d, own, step, place }, i) => ({
  name: `${rows} x ${d}, ${own ? "own rows" : "one row"}, word ${place} of ${step}`,
  build(bench) {
    const before = matrix(rows, d, { seed: i });
    const added = matrix(own ? rows : 1, d, { seed: 10 + i });
    const weights = vector(rows, { seed: 20 + i });
    weights.forEach((_, l) => l % 5 === 4 && (weights[l] = 0));
    const records = new Float32Array(rows * step).fill(NaN);
    weights.forEach((v, l) => records[l * step + place] = v);
    const grad = bench.stateRows("grad", before);
    return {
      commands: addRows.record(bench.gpu, {
        grad,
        rows: own ? bench.rows("rows", added) : bench.vector("row", added[0]),
        weights: bench.floats("weights", records),
        step,
        place,
      }),
      verify() {
        const most = reference(sizes(before), weights.map(Math.abs), sizes(added));
        const got = bench.matrixOf(grad);
        assertCloseRows(
          got,
          reference(before, weights, added),
          most.map((row) => row.map((v) => 2 * EPS * v)),
          "grad",
        );
        got.forEach((row, l) => {
          if (weights[l] === 0) assert.deepEqual(row, before[l], `row ${l} of weight 0`);
        });
      },
    };
  },
}));

Deno.test("addRows adds weighted rows and leaves rows of weight zero", () => checkKernel(cases));

Deno.test("addRows refuses rows that are split unlike the gradient", async () => {
  const bench = new Bench(await whole());
  const args = {
    grad: bench.stateRows("grad", matrix(3, 4)),
    rows: bench.rows("rows", matrix(4, 4)),
    weights: bench.floats("weights", [1, 1, 1]),
  };
  assert.throws(() => addRows.record(bench.gpu, args), /split unlike "grad"/);
  bench.destroy();
});
