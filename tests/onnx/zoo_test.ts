/** Every shape of graph that exporters write: all hookpoints are found and are PyTorch's. Made by peers/onnx/make_fixtures.py. */
import assert from "assert";
import { fixture, readOracle } from "./oracle.ts";
import { describeOutcome, holdAgainst, holdLosses, passed } from "./zoo.ts";

/**
 * Largest relative error by what the graph's numbers are, where that is not 1e-4. The weights of fp16 and int4 models lie where
 * those types hold them, so that int4 needs none; fp16 rounds activations too, int8 quantises them to 8 bits.
 */
const TOLERANCES: readonly [RegExp, number][] = [[/-fp16$/, 2e-3], [/-int8$/, 5e-2]];

/** The same for the loss of a token, where that is not 1e-5. */
const LOSS_TOLERANCES: readonly [RegExp, number][] = [[/-fp16$/, 1e-2]];

/** Models whose queries, keys and values are joined in a way that leaves no tensor for each. */
const JOINED = ["llama-genai-fp16", "neox_sequential-optimum", "phi-genai"];

const names = [...Deno.readDirSync(fixture("zoo"))].map((entry) => entry.name).sort();

for (const name of names) {
  Deno.test(`all hookpoints of ${name} are PyTorch's`, async () => {
    const tolerance = TOLERANCES.find(([pattern]) => pattern.test(name))?.[1] ?? 1e-4;
    const oracle = await readOracle(fixture(`zoo/${name}/oracle`));
    const outcome = await holdAgainst(fixture(`zoo/${name}/model.onnx`), oracle, tolerance);
    assert.ok(passed(outcome), describeOutcome(outcome));
    assert.equal(outcome.absent.length > 0, JOINED.includes(name), describeOutcome(outcome));
  });
}

for (const name of names) {
  Deno.test(`losses of ${name}, as it is and with zero in it, are PyTorch's`, async () => {
    const oracle = await readOracle(fixture(`zoo/${name}/oracle`));
    if (!oracle.arrays.has("cross_entropy")) return assert.match(name, /^bert/);
    const { errors, identity } = await holdLosses(fixture(`zoo/${name}/model.onnx`), oracle);
    assert.equal(errors.length, 6);
    const tolerance = LOSS_TOLERANCES.find(([pattern]) => pattern.test(name))?.[1] ?? 1e-5;
    assert.deepEqual(errors.filter(([, error]) => !(error <= tolerance)), []);
    assert.equal(identity, 0, "an activation replaced by itself changes nothing");
  });
}

Deno.test("a wrong activation is seen", async () => {
  const oracle = await readOracle(fixture("zoo/bert-optimum/oracle"));
  oracle.arrays.get("blocks.1.hook_mlp_out")![5] += 0.1;
  const outcome = await holdAgainst(fixture("zoo/bert-optimum/model.onnx"), oracle, 1e-4);
  assert.deepEqual(outcome.wrong.map(([name]) => name), ["blocks.1.hook_mlp_out"]);
});
