import assert from "assert";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { cutModel, spliceRoot } from "../../lib/onnx/cut.ts";
import { tapOutputs } from "../../lib/onnx/edit.ts";
import { planFeeds } from "../../lib/onnx/feeds.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { listHookpoints } from "../../lib/onnx/hookpoints.ts";
import { elemTypeOf } from "../../lib/onnx/infer.ts";
import { ELEM, type OnnxModel } from "../../lib/onnx/model.ts";
import { writeModel } from "../../lib/onnx/write.ts";
import { sizedField } from "../../lib/onnx/protobuf.ts";
import { attribute, model, node, value, weight } from "./build.ts";
import { fixture, relativeError } from "./oracle.ts";

type Level = "disabled" | "all";
type Feeds = Record<string, Tensor>;

const IDS = Int32Array.from({ length: 14 }, (_, i) => (i * 37 + 5) % 64);

async function run(bytes: Uint8Array, feeds: Feeds, level: Level) {
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: level,
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  const results = await session.run(feeds);
  await session.release();
  return results;
}

function feedsOf(whole: OnnxModel, names: readonly string[]): Feeds {
  return Object.fromEntries(
    [...planFeeds(whole, names, Tensor)].map(([name, make]) => [name, make(IDS, 2, 7) as Tensor]),
  );
}

/** Logits of the whole model, and of the two parts that a cut at `tensor` makes. */
async function bothWays(whole: OnnxModel, tensor: string, level: Level, cheapBytes?: number) {
  const root = spliceRoot(whole, tensor);
  const lower = cutModel(whole, { replace: [root], wanted: ["logits"], cheapBytes });
  const sides = [...lower.given.keys()];
  const upper = cutModel(whole, { replace: [], wanted: [root], sides });
  const inputs = whole.inputs.map((input) => input.name);
  const tapped = await run(tapOutputs(whole, ["logits"]).bytes, feedsOf(whole, inputs), level);
  const first = await run(writeModel(upper.model), feedsOf(whole, upper.inputs), level);
  const feeds = feedsOf(whole, lower.inputs);
  feeds[lower.replaced.get(root)!] = first[upper.outputs.get(root)!] as Tensor;
  for (const side of sides) {
    feeds[lower.given.get(side)!] = first[upper.sides.get(side)!] as Tensor;
  }
  const second = await run(writeModel(lower.model), feeds, level);
  const name = Object.keys(tapped)[0];
  return {
    whole: tapped[name].data as Float32Array,
    parts: second[lower.outputs.get("logits")!].data as Float32Array,
    sides,
    lower,
  };
}

Deno.test("a model cut at any hookpoint gives the whole model's logits, bit for bit", async () => {
  for (const file of ["gpt2.onnx", "llama.onnx", "neox.onnx"]) {
    const whole = await loadModel(fixture(file));
    const layer = file === "gpt2.onnx" ? 1 : 0;
    for (const { name, tensor } of listHookpoints(whole).filter((p) => p.layer === layer)) {
      const { whole: a, parts: b } = await bothWays(whole, tensor, "disabled");
      assert.deepEqual(b, a, `${file} ${name}`);
    }
  }
});

Deno.test("so it does when everything that depends on the ids is given", async () => {
  for (const file of ["gpt2.onnx", "gpt2_past.onnx", "qwen3.onnx"]) {
    const whole = await loadModel(fixture(file));
    for (const { name, tensor } of listHookpoints(whole).filter((p) => p.layer === 0)) {
      const { whole: a, parts: b } = await bothWays(whole, tensor, "disabled", 0);
      assert.deepEqual(b, a, `${file} ${name}`);
    }
  }
});

Deno.test("with the runtime's optimiser the logits agree within 1e-4", async () => {
  const whole = await loadModel(fixture("llama.onnx"));
  for (const { name, tensor } of listHookpoints(whole).filter((p) => p.layer === 1)) {
    const { whole: a, parts: b } = await bothWays(whole, tensor, "all");
    assert.ok(relativeError(b, a) < 1e-4, name);
  }
});

Deno.test("a half-precision model is cut too, its tensors given as float32", async () => {
  const whole = await loadModel(fixture("gpt2_f16.onnx"));
  for (const { name, tensor } of listHookpoints(whole).filter((p) => p.layer === 1)) {
    const { whole: a, parts: b, lower } = await bothWays(whole, tensor, "all", 0);
    assert.ok(relativeError(b, a) < 5e-3, name);
    for (const input of lower.replaced.values()) {
      const declared = lower.model.inputs.find((one) => one.name === input);
      assert.equal(declared?.elemType, ELEM.FLOAT);
    }
  }
});

Deno.test("what a cut needs of the rest is given when it is dear, else computed again", async () => {
  const whole = await loadModel(fixture("gpt2.onnx"));
  const mlp = listHookpoints(whole).find((p) => p.name === "blocks.1.hook_mlp_out")!;
  const stream = listHookpoints(whole).find((p) => p.name === "blocks.1.hook_resid_mid")!;
  const cheap = cutModel(whole, { replace: [mlp.tensor], wanted: ["logits"] });
  assert.equal(cheap.given.size, 0, "all weights are small here");
  const dear = cutModel(whole, { replace: [mlp.tensor], wanted: ["logits"], cheapBytes: 1024 });
  const types = Object.fromEntries(
    [...dear.given.keys()].map((name) => [name, elemTypeOf(whole, name)]),
  );
  assert.equal(types[stream.tensor], ELEM.FLOAT, "the stream that the MLP adds to");
  delete types[stream.tensor];
  assert.ok(Object.values(types).every((type) => type === ELEM.INT64), "beside shapes");
  assert.deepEqual(dear.inputs, [], "nothing else of the model's inputs is needed");
  assert.ok(dear.model.nodes.length < whole.nodes.length / 4);
});

const F32 = 1;
const floats = (values: number[]) =>
  new Tensor("float32", Float32Array.from(values), [values.length]);

/** y = T + C with C a copy of T = a + b: all readers of either must see a replacement. */
function copies(op: string, attributes: Uint8Array[] = []) {
  return parseModel(
    model([
      node("Add", ["a", "b"], ["T"]),
      node(op, ["T"], ["C"], attributes),
      node("Neg", ["C"], ["N"]),
      node("Sub", ["T", "N"], ["y"]),
      value(11, "a", F32, ["n"]),
      value(11, "b", F32, ["n"]),
      value(12, "y", F32, ["n"]),
    ]),
    "copies",
  );
}

Deno.test("a tensor behind a cast or an identity is replaced where it is made", async () => {
  for (const whole of [copies("Identity"), copies("Cast", [attribute("to", F32)])]) {
    for (const name of ["T", "C"]) {
      const root = spliceRoot(whole, name);
      assert.equal(root, "T");
      const part = cutModel(whole, { replace: [root], wanted: ["y"] });
      assert.deepEqual(part.inputs, []);
      const { y } = await run(writeModel(part.model), { T: floats([1, 2]) }, "disabled");
      assert.deepEqual([...y.data as Float32Array], [2, 4]);
    }
  }
});

Deno.test("a subgraph that captures a replaced tensor sees the replacement", async () => {
  const branch = (op: string) => [
    node(op, ["T"], ["out"]),
    sizedField(2, "branch"),
    value(12, "out", F32, ["n"]),
  ];
  const whole = parseModel(
    model([
      node("Add", ["a", "a"], ["T"]),
      node("If", ["c"], ["y"], [
        attribute("then_branch", branch("Neg")),
        attribute("else_branch", branch("Identity")),
      ]),
      value(11, "a", F32, ["n"]),
      value(11, "c", 9, []),
      value(12, "y", F32, ["n"]),
    ]),
    "captures",
  );
  const part = cutModel(whole, { replace: ["T"], wanted: ["y"] });
  assert.deepEqual(part.inputs, ["c"]);
  const feeds = { T: floats([3, 4]), c: new Tensor("bool", Uint8Array.of(1), []) };
  const { y } = await run(writeModel(part.model), feeds, "disabled");
  assert.deepEqual([...y.data as Float32Array], [-3, -4]);
});

Deno.test("one of several outputs of a node can be replaced, the others stay", async () => {
  const whole = parseModel(
    model([
      node("Split", ["a"], ["T", "U"], [attribute("axis", 0), attribute("num_outputs", 2)]),
      node("Add", ["T", "U"], ["y"]),
      value(11, "a", F32, ["n"]),
      value(12, "y", F32, ["n"]),
    ]),
    "split",
  );
  const part = cutModel(whole, { replace: ["T"], wanted: ["y"] });
  const feeds = { T: floats([10]), a: floats([1, 2]) };
  const { y } = await run(writeModel(part.model), feeds, "disabled");
  assert.deepEqual([...y.data as Float32Array], [12]);
});

Deno.test("weights and names that are not there are refused", () => {
  const whole = parseModel(
    model([
      node("Add", ["a", "w"], ["y"]),
      weight("w", [1], [1]),
      value(11, "a", F32, [1]),
      value(12, "y", F32, [1]),
    ]),
    "small",
  );
  assert.throws(() => spliceRoot(whole, "w"), /Cannot replace "w" in "small": it is a weight/);
  assert.throws(() => spliceRoot(whole, "x"), /no node of the graph makes it/);
  const cut = () => cutModel(whole, { replace: [], wanted: ["x"] });
  assert.throws(cut, /Cannot cut "small" at "x": the graph has no tensor of that name/);
});
