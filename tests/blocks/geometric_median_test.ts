import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { geometricMedian, meanRow } from "../../lib/blocks/norms/geometric_median.ts";
import { openGpu } from "../../lib/gpu/device.ts";

/** Sum of distances of all rows from a point, in float64. */
function distances(data: Float32Array, d: number, point: ArrayLike<number>): number {
  let sum = 0;
  for (let r = 0; r < data.length / d; r++) {
    let square = 0;
    for (let j = 0; j < d; j++) square += (data[r * d + j] - point[j]) ** 2;
    sum += Math.sqrt(square);
  }
  return sum;
}

/** Weiszfeld's iteration in float64, until it stands still. */
function weiszfeld(data: Float32Array, d: number): number[] {
  let median: number[] = [...meanRow(data, d)];
  for (let i = 0; i < 2000; i++) {
    const sum = new Float64Array(d);
    let weights = 0;
    for (let r = 0; r < data.length / d; r++) {
      let square = 0;
      for (let j = 0; j < d; j++) square += (data[r * d + j] - median[j]) ** 2;
      const weight = 1 / Math.max(Math.sqrt(square), 1e-12);
      weights += weight;
      for (let j = 0; j < d; j++) sum[j] += weight * data[r * d + j];
    }
    median = Array.from(sum, (v) => v / weights);
  }
  return median;
}

Deno.test("geometricMedian() equals Weiszfeld's iteration in float64, and outliers do not move it", async () => {
  const gpu = await openGpu();
  try {
    const d = 13, rows = 333;
    const stream = new RandomStream(8, "median");
    const data = Float32Array.from({ length: rows * d }, (_, i) => stream.normal(0, i) + (i % d));
    // One row in thirty is two hundred times as long.
    for (let r = 0; r < rows; r += 30) for (let j = 0; j < d; j++) data[r * d + j] *= 200;
    const wanted = weiszfeld(data, d);
    const found = await geometricMedian(gpu, data, d);
    assert.equal(found.length, d);
    found.forEach((v, j) =>
      assert.ok(Math.abs(v - wanted[j]) < 2e-3, `${j}: ${v}, not ${wanted[j]}`)
    );
    const best = distances(data, d, wanted);
    assert.ok(distances(data, d, found) < best * (1 + 1e-6));
    const mean = meanRow(data, d);
    assert.ok(distances(data, d, mean) > best * 1.01, "the mean is far off");
    found.forEach((v, j) => assert.ok(Math.abs(v - j) < 0.5, `${j}: ${v}`));
  } finally {
    gpu.close();
  }
});

Deno.test("geometricMedian() of equal rows, and of rows one of which is the median, is that row", async () => {
  const gpu = await openGpu();
  try {
    const equal = new Float32Array(5 * 4).map((_, i) => [1, -2, 3, 4][i % 4]);
    const same = await geometricMedian(gpu, equal, 4);
    [1, -2, 3, 4].forEach((v, j) => assert.ok(Math.abs(same[j] - v) < 1e-5, `${same}`));
    const cross = Float32Array.of(0, 0, 5, 0, -5, 0, 0, 5, 0, -5);
    const middle = await geometricMedian(gpu, cross, 2);
    assert.ok(Math.hypot(...middle) < 1e-3, `${middle}`);
  } finally {
    gpu.close();
  }
});

Deno.test("meanRow() is summed in float64", () => {
  const data = new Float32Array(2 * 40_000).fill(0.1);
  data.fill(1e6, 0, 1);
  const mean = meanRow(data, 2);
  assert.ok(Math.abs(mean[1] - Math.fround(0.1)) < 1e-8);
  assert.ok(Math.abs(mean[0] - (1e6 + 39_999 * Math.fround(0.1)) / 40_000) < 1e-5);
});
