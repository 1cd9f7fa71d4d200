import assert from "assert";
import { CHUNK_ROWS, columnSums } from "../../lib/kernels/column_sums.ts";
import { columnSums as reference } from "../../lib/reference/column_sums.ts";
import { assertClose, checkKernel, type KernelCase, sumError } from "./check_kernel.ts";
import { asHardware, split, whole } from "./device.ts";
import { matrix, sizes, vector } from "./samples.ts";

type How = "plain" | "weighted" | "squared";

const SHAPES = [[1, 1], [63, 5], [64, 8], [65, 3], [257, 64], [1000, 7]];

/** One that a wave of threads shares, one with two stretches a row; too wide for small buffers. */
const WIDE_SHAPES = [[70, 197], [66, 1030]];

function cases(how: How, shapes = SHAPES): KernelCase[] {
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

/** The same bits come of the threads of a software adapter and of those of hardware. */
const check = async (how: How) => {
  await checkKernel(cases(how), [whole, split, asHardware]);
  await checkKernel(cases(how, WIDE_SHAPES), [whole, asHardware]);
};

Deno.test("columnSums adds all rows", () => check("plain"));

Deno.test("columnSums weighs rows", () => check("weighted"));

Deno.test("columnSums adds squares", () => check("squared"));

Deno.test("columnSums.share() covers all columns, with few threads on a core", () => {
  for (const d4 of [1, 2, 7, 8, 9, 16, 192, 256, 257, 576, 1024]) {
    const core = columnSums.share(d4, { software: true });
    assert.ok(core.columns * core.threads >= d4 && core.columns <= 32);
    assert.ok(core.columns === 1 || core.columns * core.threads < 1.5 * d4 + 8, `idle at ${d4}`);
    assert.equal(columnSums.share(d4, { software: false }).threads, d4);
  }
  assert.equal(columnSums.share(192, { software: true }).threads, 8);
});

Deno.test("columnSums.plan() puts the chunks of every buffer one after another", () => {
  const rows = [128, 64, 1, 100];
  const plans = columnSums.plan(rows);
  assert.deepEqual(plans.map((p) => p.chunks), [2, 1, 1, 2]);
  assert.deepEqual(plans.map((p) => p.firstChunk), [0, 2, 3, 4]);
  plans.forEach((p, i) => assert.ok(p.chunks * CHUNK_ROWS >= rows[i]));
});
