// Several points in one pass: rows stay aligned, roles survive a store, widths are compared.
import assert from "assert";
import { rowNormalised } from "../../lib/data/norm.ts";
import { normaliseRows } from "../../lib/tensor/row_norm.ts";
import { commonWidths, hookpointsOf, rolesOf } from "../../lib/data/points.ts";
import { modelSource } from "../../lib/data/model_source.ts";
import { shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import { openStore } from "../../lib/data/store_reader.ts";
import { storeSource } from "../../lib/data/store_source.ts";
import { harvestToStore } from "../../lib/data/store_writer.ts";
import { openTappedModel } from "../../lib/data/tapped_model.ts";
import type { PointFacts } from "../../lib/data/types.ts";
import { fakeMaker, inFolder, POINTS, rowsOfMatrix } from "./_fakes.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;

Deno.test("the roles of points survive a store, and a target is read beside its input", () =>
  inFolder(async (dir) => {
    const points: PointFacts[] = [POINTS[0], { ...POINTS[1], role: "target" }];
    const maker = await fakeMaker(6000, 16, points);
    const facts = { tool: "t", model: {}, tokenizer: {}, data: {} };
    await harvestToStore({ ...maker, ...facts, path: dir, dtype: "F32" });
    const store = await openStore(dir);
    assert.deepEqual(store.manifest.points.map((point) => point.role), ["input", "target"]);
    const shape = { seed: 1, blockRows: 256, batchRows: 64 };
    // Named in another order than they are stored in: the input comes first all the same.
    const options = { ...shape, points: [POINTS[1].name], targets: [POINTS[0].name] };
    const batches = shuffledBatches(await storeSource(store, options), shape);
    assert.deepEqual(batches.points, [POINTS[1], { ...POINTS[0], role: "target" }]);
    const { points: [input, target] } = await batches.batch(2);
    const wide = rowsOfMatrix(target, 6);
    rowsOfMatrix(input, 4).forEach((row, i) =>
      assert.deepEqual(row.slice(0, 3), wide[i].slice(0, 3), "hash, token and position agree")
    );
    const alone = shuffledBatches(
      await storeSource(store, { ...shape, points: [POINTS[1].name] }),
      shape,
    );
    assert.equal((await alone.batch(2)).points.length, 1);
  }));

Deno.test("roles, names and widths of points", () => {
  const point = (name: string, d: number, target = false): PointFacts => ({
    name,
    tensor: `/${name}`,
    d,
    ...(target ? { role: "target" } : {}),
  });
  const pair = [point("a", 4), point("b", 6, true)];
  assert.deepEqual(commonWidths(pair), { dIn: 4, dOut: 6, layers: 1 });
  assert.deepEqual(commonWidths([point("a", 4)]), { dIn: 4, dOut: 4, layers: 1 });
  assert.deepEqual(hookpointsOf([point("a", 4)]), { hookpoint: "a", tensor: "/a" });
  assert.deepEqual(hookpointsOf(pair), { hookpoint: "a", tensor: "/a", hookpointOut: "b" });
  const layers = [point("a", 4), point("b", 4), point("c", 6, true), point("d", 6, true)];
  assert.deepEqual(commonWidths(layers), { dIn: 4, dOut: 6, layers: 2 });
  assert.deepEqual(hookpointsOf(layers), {
    hookpoint: "a",
    tensor: "/a",
    hookpointOut: "c",
    hookpoints: ["a", "b"],
    hookpointsOut: ["c", "d"],
  });
  assert.deepEqual(rolesOf(layers).targets.map(({ name }) => name), ["c", "d"]);
  assert.throws(() => commonWidths(layers.slice(0, 3)), /there are 2 inputs and 1 outputs, one/);
  assert.throws(
    () => commonWidths([point("a", 4), point("b", 5)]),
    /of several widths: "a" has 4, "b" 5, one width is needed$/,
  );
});

Deno.test("batches of normalised rows are those rows, normalised", async () => {
  const maker = await fakeMaker(2000, 16);
  const shape = { seed: 1, blockRows: 256, batchRows: 64 };
  const make = () => shuffledBatches(modelSource({ ...maker, ...shape }), shape);
  const plain = await make().batch(1);
  const batches = rowNormalised(make(), "token");
  const { points, step, rows } = await batches.batch(1);
  assert.deepEqual([step, rows, batches.describe().row_norm], [1, 64, "token"]);
  POINTS.forEach(({ d }, p) =>
    assert.deepEqual(points[p], normaliseRows(plain.points[p], d, "token").values)
  );
});

Deno.test("a model is tapped at several places in one pass, patterns among them", async () => {
  const tapped = await openTappedModel({
    model: `${DEMO}/model.onnx`,
    provider: "auto",
    threads: 1,
    prependBos: "auto",
    excludeTokens: "special",
    inputs: ["blocks.*.mlp.hook_in"],
    outputs: ["blocks.3.hook_mlp_out", "blocks.0.mlp.hook_post"],
  });
  try {
    assert.deepEqual(tapped.points.map(({ name, d, role }) => [name, d, role]), [
      ...[0, 1, 2, 3].map((l) => [`blocks.${l}.mlp.hook_in`, 192, undefined]),
      ["blocks.3.hook_mlp_out", 192, "target"],
      ["blocks.0.mlp.hook_post", 768, "target"],
    ]);
    assert.equal(tapped.point, tapped.points[0]);
    assert.deepEqual(tapped.facts.tokenizer.special_ids, [...tapped.tokenizer.specialIds]);
    const ids = Int32Array.from(tapped.tokenizer.encode("The whale went to sea."));
    const rows = await tapped.runner.run(ids, 1, ids.length);
    tapped.points.forEach(({ d }, p) => assert.equal(rows[p].length, ids.length * d));
    assert.notDeepEqual(rows[0], rows[1]);
  } finally {
    await tapped.runner.close();
  }
});
