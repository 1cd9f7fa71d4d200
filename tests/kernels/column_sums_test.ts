import assert from "assert";
import { CHUNK_ROWS, columnSums } from "../../lib/kernels/column_sums.ts";
import { columnSums as reference } from "../../lib/reference/column_sums.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { matrix, sizes, vector } from "./samples.ts";

function cases(how: "plain" | "weighted" | "squared"): KernelCase[] {
  const shapes = [[1, 1], [63, 5], [64, 8], [65, 3], [257, 64], [1000, 7]];
  return shapes.map(([rows, d], i) => ({
    name: `${rows} x ${d}`,
    build(bench) {
      const m = matrix(rows, d, { seed: i, wide: i === 4 });
      const weights = how === "weighted" ? vector(rows, { seed: 70 + i }) : undefined;
      const rowsOnDevice = bench.rows("m", m);
      const sums = bench.outputSheet("sums", 1, d);
      return {
        commands: columnSums.record(bench.gpu, {
          shards: rowsOnDevice.shards,
          stride: rowsOnDevice.stride,
          weights: weights && bench.floats("weights", weights),
          squared: how === "squared",
          sums: sums.buffer,
        }),
        verify() {
          const terms = how === "squared" ? m.map((row) => row.map((v) => v * v)) : m;
          const most = reference(sizes(terms), weights?.map(Math.abs));
          const bounds = most.map((v) => v * sumError(rows));
          assertClose(bench.matrixOf(sums)[0], reference(terms, weights), bounds, "sum of column");
        },
      };
    },
  }));
}

Deno.test("columnSums adds all rows", () => checkKernel(cases("plain")));

Deno.test("columnSums weighs rows", () => checkKernel(cases("weighted")));

Deno.test("columnSums adds squares", () => checkKernel(cases("squared")));

Deno.test("columnSums.plan() puts the chunks of every buffer one after another", () => {
  const rows = [128, 64, 1, 100];
  const plans = columnSums.plan(rows);
  assert.deepEqual(plans.map((p) => p.chunks), [2, 1, 1, 2]);
  assert.deepEqual(plans.map((p) => p.firstChunk), [0, 2, 3, 4]);
  plans.forEach((p, i) => assert.ok(p.chunks * CHUNK_ROWS >= rows[i]));
});
