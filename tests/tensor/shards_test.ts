import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { planShards, roundUp } from "../../lib/tensor/shards.ts";

Deno.test("planShards() covers all rows once, in order, within the bound", () => {
  for (const rows of [1, 63, 64, 65, 127, 1000, 24576, 131072]) {
    for (const rowBytes of [4, 16, 80, 3072]) {
      for (const units of [1, 2, 3, 100]) {
        const most = units * 64 * rowBytes + 7;
        const shards = planShards(rows, rowBytes, most, 64);
        let next = 0;
        shards.forEach((s, i) => {
          assert.equal(s.firstRow, next);
          assert.ok(s.rows > 0 && roundUp(s.rows, 64) * rowBytes <= most);
          if (i < shards.length - 1) assert.equal(s.rows % 64, 0);
          next += s.rows;
        });
        assert.equal(next, rows);
        assert.ok(shards.length <= Math.ceil(rows / (units * 64)), "more buffers than needed");
      }
    }
  }
});

Deno.test("planShards() makes shards of about the same size", () => {
  assert.deepEqual(planShards(300, 1, 256, 64).map((s) => s.rows), [192, 108]);
  assert.deepEqual(planShards(64, 1, 256, 64).map((s) => s.rows), [64]);
});

Deno.test("planShards() says when not even one unit fits", () => {
  assert.throws(
    () => planShards(10, 1024, 64 * 1024 - 1, 64),
    (error: Error) =>
      error instanceof SdmError &&
      /^Cannot split a matrix over buffers: 64 rows/.test(error.message),
  );
});

Deno.test("roundUp() goes to the next multiple", () => {
  assert.deepEqual([0, 1, 4, 5].map((v) => roundUp(v, 4)), [0, 4, 4, 8]);
});
