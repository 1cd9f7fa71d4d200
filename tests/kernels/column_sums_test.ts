import assert from "assert";
import { CHUNK_ROWS, columnSums } from "../../lib/kernels/column_sums.ts";
import { columnSums as reference } from "../../lib/reference/column_sums.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, sizes, vector } from "./samples.ts";

function cases(weighted: boolean): KernelCase[] {
  const shapes = [[1, 1], [63, 5], [64, 8], [65, 3], [257, 64], [1000, 7]];
  return shapes.map(([rows, d], i) => ({
    name: `${rows} x ${d}`,
    build(bench) {
      const m = matrix(rows, d, { seed: i, wide: i === 4 });
      const weights = weighted ? vector(rows, { seed: 70 + i }) : undefined;
      const rowsOnDevice = bench.rows("m", m);
      const sums = bench.outputSheet("sums", 1, d);
      return {
        commands: columnSums.record(bench.gpu, {
          shards: rowsOnDevice.shards,
          stride: rowsOnDevice.stride,
          weights: weights && bench.floats("weights", weights),
          sums: sums.buffer,
        }),
        verify() {
          const most = reference(sizes(m), weights?.map(Math.abs));
          const bounds = most.map((v) => v * sumError(rows));
          assertClose(bench.matrixOf(sums)[0], reference(m, weights), bounds, "sum of column");
        },
      };
    },
  }));
}

Deno.test("columnSums adds all rows", () => checkKernel(cases(false)));

Deno.test("columnSums weighs rows", () => checkKernel(cases(true)));

Deno.test("columnSums.plan() puts the chunks of every buffer one after another", () => {
  const rows = [128, 64, 1, 100];
  const plans = columnSums.plan(rows);
  assert.deepEqual(plans.map((p) => p.chunks), [2, 1, 1, 2]);
  assert.deepEqual(plans.map((p) => p.firstChunk), [0, 2, 3, 4]);
  plans.forEach((p, i) => assert.ok(p.chunks * CHUNK_ROWS >= rows[i]));
});
