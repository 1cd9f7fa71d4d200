import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { destroyRows, readRows, writeRows } from "../../lib/gpu/rows.ts";
import {
  createSchulzSpace,
  newtonSchulz,
  SCHULZ_COEFFICIENTS,
  SCHULZ_STEPS,
} from "../../lib/optim/newton_schulz.ts";
import { newtonSchulz as reference } from "../../lib/reference/newton_schulz.ts";
import type { Matrix } from "../../lib/reference/types.ts";
import { whole } from "../kernels/device.ts";
import { matrix } from "../kernels/samples.ts";

async function iterate(gpu: Gpu, m: Matrix): Promise<Float32Array> {
  const space = createSchulzSpace(gpu, m.length, m[0].length);
  writeRows(gpu, space.operand, Float32Array.from(m.flatMap((row) => Array.from(row))));
  submit(gpu, newtonSchulz(gpu, space));
  const result = await readRows(gpu, space.result);
  for (const rows of [space.operand, space.result, space.gram, space.polynomial]) {
    destroyRows(gpu, rows);
  }
  return result;
}

/** Singular values before and after five steps: architectures spec, section 13.1. */
const GOLDEN: readonly (readonly [number, number])[] = [
  [1e-3, 0.4705],
  [1e-2, 0.6989],
  [0.05, 0.7581],
  [0.1, 0.7121],
  [0.3, 1.0796],
  [0.6, 0.7229],
];

/** A diagonal of the golden values, filled up to a Frobenius norm of 1, on `rows` x `cols`. */
function diagonal(rows: number, cols: number, factor: number): Matrix {
  const values = GOLDEN.map(([before]) => before);
  values.push(Math.sqrt(1 - values.reduce((sum, v) => sum + v * v, 0)));
  return Array.from(
    { length: rows },
    (_, r) =>
      Float64Array.from({ length: cols }, (_, c) => r === c ? factor * (values[r] ?? 0) : 0),
  );
}

for (const [rows, cols] of [[7, 7], [9, 7], [7, 12]]) {
  Deno.test(`newtonSchulz() maps golden singular values, ${rows} x ${cols}`, async () => {
    const result = await iterate(await whole(), diagonal(rows, cols, 37));
    GOLDEN.forEach(([before, after], i) => {
      const got = result[i * cols + i];
      assert.ok(Math.abs(got - after) < 6e-5, `${before} became ${got}, not ${after}`);
    });
    const beside = result.filter((_, i) => i % (cols + 1) !== 0 || i / (cols + 1) >= 7);
    assert.ok(beside.every((v) => v === 0), "something beside the diagonal");
  });
}

Deno.test("newtonSchulz() maps a single singular value of 1 to its golden value", async () => {
  const [got] = await iterate(
    await whole(),
    diagonal(2, 2, 1).map((row, r) => row.map((_, c) => r + c === 0 ? 1 : 0)),
  );
  assert.ok(Math.abs(got - 0.6964) < 6e-5, `1 became ${got}`);
});

Deno.test("newtonSchulz() makes nothing of nothing", async () => {
  const result = await iterate(await whole(), matrix(5, 3, { scale: 0 }));
  assert.ok(result.every((v) => v === 0), `${result}`);
});

Deno.test("newtonSchulz() agrees with float64, tall and wide, and has the same bits on any split", async () => {
  const gpu = await whole();
  const narrow = { ...gpu, facts: { ...gpu.facts, maxBindingBytes: 64 * 136 * 4 } };
  for (const [rows, cols] of [[300, 66], [66, 130], [130, 130]]) {
    const m = matrix(rows, cols, { seed: rows, scale: 1e-3 });
    const got = await iterate(gpu, m);
    const wanted = reference(m, SCHULZ_COEFFICIENTS, SCHULZ_STEPS);
    let most = 0;
    wanted.forEach((row, r) =>
      row.forEach((v, c) => most = Math.max(most, Math.abs(got[r * cols + c] - v)))
    );
    // Elements of the result are of size 1 / sqrt(larger side).
    assert.ok(most < 3e-6, `${rows} x ${cols}: off by ${most}`);
    assert.deepEqual(await iterate(narrow, m), got, `${rows} x ${cols} on small buffers`);
  }
});
