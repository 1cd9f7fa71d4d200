import assert from "assert";
import { codeLatents, draw, valueAt } from "../../bench/stage.ts";

Deno.test("codeLatents() gives every row k different latents in order, the popular ones often", () => {
  const shape = { rows: 300, d: 4, latents: 100, k: 9 };
  const latents = codeLatents(shape);
  const counts = new Array(shape.latents).fill(0);
  for (let r = 0; r < shape.rows; r++) {
    const row = latents.subarray(r * shape.k, (r + 1) * shape.k);
    row.forEach((latent, i) =>
      assert.ok(latent < shape.latents && (i === 0 || latent > row[i - 1]))
    );
    for (const latent of row) counts[latent]++;
  }
  assert.ok(
    counts[0] > 5 * counts[90],
    `${counts[0]} rows of the first, ${counts[90]} of the 90th`,
  );
});

Deno.test("draw() gives what valueAt() says, over the end of the block as well", () => {
  const drawn = draw(140_000, 3, 0.5);
  for (const i of [0, 1, 41_000, 41_764, 65_521, 139_999]) {
    assert.equal(drawn[i], Math.fround(valueAt(3, i) * 0.5));
  }
});
