import assert from "assert";
import { applyNorm, distance } from "../../lib/onnx/check_arithmetic.ts";
import { checkHookpoints } from "../../lib/onnx/check_hooks.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { normOf } from "../../lib/onnx/norm.ts";
import { intField, sizedField } from "../../lib/onnx/protobuf.ts";
import { model, node, value, weight } from "./build.ts";
import { fixture } from "./oracle.ts";

const KINDS = ["resid_pre", "attn_in", "attn_out", "resid_mid", "mlp_in", "mlp_out", "resid_post"];

Deno.test("a run measures the stream of GPT-2, Llama and NeoX, and that none looks ahead", async () => {
  for (const file of ["gpt2", "gpt2_opset14", "gpt2_past", "gpt2_f16", "llama", "neox", "qwen3"]) {
    const check = await checkHookpoints(await loadModel(fixture(`${file}.onnx`)), {
      provider: "cpu",
    });
    assert.ok(check.passed, `${file}: ${JSON.stringify(check.tests.filter((t) => !t.passed))}`);
    assert.deepEqual(check.skipped, [], file);
    assert.equal(check.causal, true, file);
    for (const { name, kind, confidence } of check.hookpoints) {
      assert.equal(confidence === "measured", KINDS.includes(kind), `${file} ${name}`);
    }
    const names = check.tests.map((test) => test.name).join("\n");
    assert.match(names, /blocks\.0: hook_resid_pre \+ hook_attn_out/, file);
    assert.match(names, /logits from blocks/, file);
    assert.match(names, /attn_out of later positions depends on the first token/, file);
    const sums = check.tests.filter((test) => !test.differs);
    assert.ok(sums.every((test) => test.error < (file === "gpt2_f16" ? 5e-3 : 1e-5)), file);
  }
});

Deno.test("a run measures the stream of every exporter's graphs", async () => {
  const zoo = [...Deno.readDirSync(fixture("zoo"))].map((entry) => entry.name).sort();
  assert.ok(zoo.length >= 10);
  for (const name of zoo) {
    const model = await loadModel(fixture(`zoo/${name}/model.onnx`));
    const check = await checkHookpoints(model, { provider: "cpu" });
    const failed = check.tests.filter((test) => !test.passed);
    assert.deepEqual(failed, [], name);
    const wanted = name.startsWith("bert") ? false : true;
    if (!name.endsWith("int8")) assert.equal(check.causal, wanted, name);
    const stream = check.hookpoints.filter((point) => KINDS.includes(point.kind));
    assert.ok(stream.every((point) => point.confidence === "measured"), name);
  }
});

/** Transpose of the last two axes of three. */
function flipped(input: string, output: string): Uint8Array {
  const perm = [0, 2, 1].map((axis) => intField(8, axis));
  const attribute = sizedField(5, [sizedField(1, "perm"), ...perm, intField(20, 7)]);
  return node("Transpose", [input], [output], [attribute]);
}

/** A decoder of one block that looks ahead: it has no mask. */
function unmasked() {
  const random = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(3 * i + 1));
  return parseModel(
    model([
      node("Gather", ["table", "input_ids"], ["x"]),
      node("LayerNormalization", ["x", "gain"], ["n"]),
      node("MatMul", ["n", "w"], ["q"]),
      node("MatMul", ["n", "w"], ["k"]),
      node("MatMul", ["n", "w"], ["v"]),
      flipped("k", "kt"),
      node("MatMul", ["q", "kt"], ["s"]),
      node("Softmax", ["s"], ["p"]),
      node("MatMul", ["p", "v"], ["z"]),
      node("MatMul", ["z", "w"], ["attn"]),
      node("Add", ["x", "attn"], ["mid"]),
      node("LayerNormalization", ["mid", "gain"], ["m"]),
      node("MatMul", ["m", "w"], ["h"]),
      node("Relu", ["h"], ["a"]),
      node("MatMul", ["a", "w"], ["mlp"]),
      node("Add", ["mlp", "mid"], ["y"]),
      node("LayerNormalization", ["y", "gain"], ["f"]),
      node("MatMul", ["f", "head"], ["logits"]),
      weight("table", [9, 4], random(36)),
      weight("w", [4, 4], random(16)),
      weight("gain", [4], [1, 2, 3, 4]),
      weight("head", [4, 9], random(36)),
      value(11, "input_ids", 7, ["batch", "sequence"]),
      value(11, "past_key_values.0.key", 1, ["batch", 1, "past", 4]),
      value(12, "logits", 1, ["batch", "sequence", 9]),
    ]),
    "unmasked",
  );
}

Deno.test("a model with a cache that looks ahead does not pass", async () => {
  const check = await checkHookpoints(unmasked(), { provider: "cpu", tokens: 4 });
  assert.equal(check.causal, false);
  assert.equal(check.passed, false);
  const failed = check.tests.filter((test) => !test.passed).map((test) => test.name);
  assert.deepEqual(failed, ["no position depends on a later token"]);
});

Deno.test("applyNorm() takes gain and epsilon from the graph, distance() is relative", () => {
  const graph = unmasked();
  const norm = normOf(graph, "n")!;
  const [a, b, c, d] = applyNorm(graph, norm, [1, 2, 3, 4], 4)!;
  // Mean 2.5, variance 1.25, epsilon 1e-5 by default, gains 1 to 4.
  const unit = 1 / Math.sqrt(1.25 + 1e-5);
  assert.ok(distance([a, b, c, d], [-1.5 * unit, -1 * unit, 1.5 * unit, 6 * unit]) < 1e-7);
  assert.equal(distance([3, 4], [0, 0]), 5);
  assert.equal(distance([6, 8], [3, 4]), 1);
  assert.equal(distance([1], [1, 2]), Infinity);
  assert.equal(distance([NaN], [1]), Infinity);
});

Deno.test("a check refuses a graph without a stream", async () => {
  const graph = parseModel(
    model([
      node("Identity", ["input_ids"], ["logits"]),
      value(11, "input_ids", 7, ["b", "s"]),
      value(12, "logits", 7),
    ]),
    "none",
  );
  await assert.rejects(checkHookpoints(graph), /Cannot check hookpoints of "none": no norm/);
});
