import assert from "assert";
import { normaliseRows, restoreRows, ROW_NORMS } from "../../lib/tensor/row_norm.ts";

const near = (found: ArrayLike<number>, wanted: number[]) =>
  wanted.forEach((value, i) =>
    assert.ok(Math.abs(found[i] - value) < 1e-6, `${found[i]} ${value}`)
  );

Deno.test("normaliseRows() brings every row to one length, or to mean 0 and deviation 1", () => {
  const x = Float32Array.of(3, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 6);
  const token = normaliseRows(x, 4, "token");
  near(token.values, [1.2, 1.6, 0, 0, 0, 0, 0, 0]);
  near(token.size, [2.5, 0, Math.sqrt(50) / 2]);
  // Mean 3, unbiased standard deviation sqrt((4 + 1 + 0 + 9) / 3).
  const layer = normaliseRows(x, 4, "layer_norm");
  const deviation = Math.sqrt(14 / 3);
  near(layer.values.subarray(4), [
    ...[0, 0, 0, 0],
    ...[-2, -1, 0, 3].map((v) => v / (deviation + 1e-5)),
  ]);
  near([layer.mean[2], layer.size[2]], [3, deviation]);
});

Deno.test("restoreRows() undoes it, but for the small number under the deviation", () => {
  const x = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i * i) * 10 + 5);
  for (const how of ROW_NORMS) {
    const normalised = normaliseRows(x, 6, how);
    const restored = restoreRows(normalised.values, 6, normalised);
    restored.forEach((value, i) => assert.ok(Math.abs(value - x[i]) < 1e-4, `${how} ${i}`));
  }
});
