import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { tapOutputs } from "../../lib/onnx/edit.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { intField, sizedField } from "../../lib/onnx/protobuf.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { attribute, model, node, value, weight } from "./build.ts";
import { fixture } from "./oracle.ts";

Deno.test("tapOutputs() keeps what the tap needs, byte for byte, and nothing else", async () => {
  const whole = await loadModel(fixture("gpt2.onnx"));
  const tensor = "/transformer/Add_output_0";
  const left = parseModel(tapOutputs(whole, [tensor]).bytes, "tapped");
  assert.deepEqual(left.outputs.map((output) => output.name), [tensor]);
  assert.deepEqual(left.inputs.map((input) => input.name), ["input_ids", "position_ids"]);
  assert.deepEqual([...left.initializers.keys()].sort(), [
    "transformer.wpe.weight",
    "transformer.wte.weight",
  ]);
  assert.ok(left.nodes.length < 20, `${left.nodes.length} nodes`);
  for (const kept of left.nodes) {
    const original = whole.producers.get(kept.outputs[0])!;
    assert.deepEqual(kept.bytes, original.bytes);
  }
  assert.deepEqual(left.opsets, whole.opsets);
  assert.equal(left.producer, whole.producer);
});

Deno.test("tapOutputs() keeps fields that it does not know", () => {
  const unknown = sizedField(777, "kept");
  const bytes = model(
    [
      node("Neg", ["x"], ["y"]),
      value(11, "x", 1, ["n"]),
      value(12, "y", 1),
      sizedField(778, "too"),
    ],
    [unknown, intField(779, 5)],
  );
  const tapped = new TextDecoder("latin1").decode(tapOutputs(parseModel(bytes, "m"), ["y"]).bytes);
  for (const word of ["kept", "too"]) assert.ok(tapped.includes(word), word);
});

Deno.test("tapOutputs() puts a cast behind what is not float32 and names outputs in order", async () => {
  const whole = await loadModel(fixture("gpt2_f16.onnx"));
  const tensors = ["logits", "/transformer/Add_output_0", "logits", "attention_mask"];
  const tapped = tapOutputs(whole, tensors);
  assert.equal(tapped.outputs[0], tapped.outputs[2]);
  const left = parseModel(tapped.bytes, "tapped");
  assert.equal(left.outputs.length, 3, "an output is listed once");
  for (const output of tapped.outputs) {
    assert.equal(left.producers.get(output)?.op, "Cast", output);
    assert.equal(left.values.get(output)?.elemType, 1, output);
  }
});

Deno.test("tapOutputs() refuses a tensor that is not in the graph and offers the nearest", async () => {
  const whole = await loadModel(fixture("gpt2.onnx"));
  assert.throws(() => tapOutputs(whole, ["/transformer/h.0/Ad_output_0"]), (error: unknown) => {
    assert.ok(error instanceof SdmError);
    assert.match(error.message, /did you mean "\/transformer\/h\.0\/Add_output_0"/);
    return true;
  });
});

Deno.test("tapOutputs() keeps what only a subgraph reads", async () => {
  // logits = if any then -x + w else x, with -x made outside and read inside the branch only.
  const branch = (nodes: Uint8Array[], output: string) => [
    ...nodes,
    sizedField(2, "branch"),
    value(12, output, 1),
  ];
  const bytes = model([
    node("Cast", ["input_ids"], ["x"], [attribute("to", 1)]),
    node("Neg", ["x"], ["negative"]),
    node("Exp", ["x"], ["unused"]),
    node("Equal", ["input_ids", "input_ids"], ["same"]),
    node("Cast", ["same"], ["same_int"], [attribute("to", 7)]),
    node("ReduceMin", ["same_int"], ["all_int"], [attribute("keepdims", 0)]),
    node("Cast", ["all_int"], ["all"], [attribute("to", 9)]),
    node("If", ["all"], ["logits"], [
      attribute("then_branch", branch([node("Add", ["negative", "w"], ["a"])], "a")),
      attribute("else_branch", branch([node("Identity", ["x"], ["b"])], "b")),
    ]),
    weight("w", [1], [0.5]),
    weight("unused_weight", [1], [0.5]),
    value(11, "input_ids", 7, ["batch", "length"]),
    value(12, "logits", 1),
    value(12, "unused", 1),
  ]);
  const parsed = parseModel(bytes, "m");
  const left = parseModel(tapOutputs(parsed, ["logits"]).bytes, "tapped");
  assert.ok(left.producers.has("negative"));
  assert.ok(!left.producers.has("unused"));
  assert.deepEqual([...left.initializers.keys()], ["w"]);
  const runner = await createRunner({ model: parsed, taps: ["logits", "x"], provider: "cpu" });
  const [logits, x] = await runner.run(Int32Array.of(3, 5), 1, 2);
  await runner.close();
  assert.deepEqual([...logits], [-2.5, -4.5]);
  assert.deepEqual([...x], [3, 5]);
});

Deno.test("pruned models give the values of the whole graph", async () => {
  const ids = Int32Array.from({ length: 10 }, (_, i) => (i * 13) % 64);
  const taps = ["blocks.0.hook_resid_mid", "blocks.1.mlp.hook_post", "logits"];
  const path = fixture("gpt2.onnx");
  const whole = await createRunner({ model: path, taps, provider: "cpu" });
  const together = await whole.run(ids, 2, 5);
  await whole.close();
  for (const [i, tap] of taps.entries()) {
    const runner = await createRunner({ model: path, taps: [tap], provider: "cpu" });
    const [alone] = await runner.run(ids, 2, 5);
    await runner.close();
    assert.equal(alone.length, together[i].length);
    for (const [at, number] of alone.entries()) {
      assert.ok(Math.abs(number - together[i][at]) <= 1e-5, `${tap} at ${at}`);
    }
  }
});

Deno.test("pruned models give the values of the untouched file", async () => {
  const ort = await import("onnxruntime-node");
  const path = fixture("gpt2.onnx");
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
  const ids = BigInt64Array.of(1n, 9n, 30n, 63n);
  const row = (values: bigint[]) => new ort.Tensor("int64", BigInt64Array.from(values), [1, 4]);
  const wanted = await session.run({
    input_ids: row([...ids]),
    attention_mask: row([1n, 1n, 1n, 1n]),
    position_ids: row([0n, 1n, 2n, 3n]),
  });
  await session.release();
  const runner = await createRunner({ model: path, taps: ["logits"], provider: "cpu" });
  const [logits] = await runner.run(Int32Array.from(ids, Number), 1, 4);
  await runner.close();
  assert.deepEqual(logits, wanted.logits.data);
});
