import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { readModel } from "../../lib/onnx/read.ts";
import { joinBytes, sizedField } from "../../lib/onnx/protobuf.ts";
import { tensorFloats } from "../../lib/onnx/tensors.ts";
import { model, node, value, weight } from "./build.ts";
import { fixture } from "./oracle.ts";

function isOneSentence(error: unknown): boolean {
  assert.ok(error instanceof SdmError, String(error));
  assert.match(error.message, /^Cannot read ONNX model "m": [^\n]+, [^\n]+$/);
  return true;
}

Deno.test("parseModel() reads names, types, shapes and operator set of an exported model", async () => {
  const read = await loadModel(fixture("gpt2_past.onnx"));
  assert.equal(read.opsets[""], 18);
  assert.match(read.producer, /pytorch/);
  assert.deepEqual(read.inputs.map((input) => input.name).slice(0, 2), [
    "input_ids",
    "past_key_values.0.key",
  ]);
  const past = read.inputs.find((input) => input.name === "past_key_values.1.value");
  const { bytes: _file, ...facts } = past!;
  assert.deepEqual(facts, {
    name: "past_key_values.1.value",
    elemType: 1,
    dims: ["batch_size", 2, "past_sequence_length", 8],
  });
  const embedding = read.initializers.get("transformer.wte.weight");
  assert.deepEqual(embedding?.dims, [64, 16]);
  assert.equal(embedding?.bytes.buffer, read.bytes.buffer, "weights are views of the file");
});

Deno.test("parseModel() refuses a file cut anywhere, with one sentence", async () => {
  const whole = await Deno.readFile(fixture("gpt2.onnx"));
  const cuts = [0, 1, 2, 5, 17, 100, 4000, 50_000, whole.length - 30, whole.length - 1];
  for (const cut of cuts) {
    assert.throws(() => parseModel(whole.subarray(0, cut), "m"), isOneSentence, `cut at ${cut}`);
  }
});

Deno.test("parseModel() either reads damaged bytes or refuses them with one sentence", async () => {
  const whole = await Deno.readFile(fixture("neox.onnx"));
  for (let trial = 0; trial < 60; trial++) {
    const bytes = whole.slice();
    for (let i = 0; i < 20; i++) bytes[(trial * 7919 + i * 104729) % bytes.length] ^= 0x5b;
    try {
      parseModel(bytes, "m");
    } catch (error) {
      isOneSentence(error);
    }
  }
});

Deno.test("parseModel() refuses other kinds of file", () => {
  const text = (content: string) => new TextEncoder().encode(content);
  assert.throws(() => parseModel(text(""), "m"), /the file is empty/);
  assert.throws(() => parseModel(text('{"model_type": "gpt2"}'), "m"), isOneSentence);
  assert.throws(
    () => parseModel(text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "m"),
    /Git LFS pointer/,
  );
  assert.throws(() => parseModel(sizedField(2, "someone"), "m"), /no graph in it/);
});

Deno.test("loadModel() names a file that is not there", async () => {
  await assert.rejects(loadModel("nowhere/model.onnx"), {
    name: "SdmError",
    message:
      'Cannot read ONNX model "nowhere/model.onnx": there is no such file, an ONNX file is needed',
  });
});

Deno.test("parseModel() merges a graph that occurs twice, as protobuf does", () => {
  const bytes = model([
    node("Neg", ["x"], ["y"]),
    value(11, "x", 1, ["batch"]),
    value(12, "y", 1),
  ]);
  const tapped = joinBytes([bytes, sizedField(7, [node("Neg", ["y"], ["z"]), value(12, "z", 1)])]);
  const read = parseModel(tapped, "m");
  assert.deepEqual(read.outputs.map((output) => output.name), ["y", "z"]);
  assert.equal(read.producers.get("z")?.op, "Neg");
});

Deno.test("tensorFloats() reads float32 from the file and from a data file beside it", async () => {
  const inside = await loadModel(fixture("gpt2.onnx"));
  const outside = await loadModel(fixture("gpt2_external.onnx"));
  const half = await loadModel(fixture("gpt2_f16.onnx"));
  const name = "transformer.wte.weight";
  const tensor = outside.initializers.get(name)!;
  assert.equal(tensor.external?.location, "gpt2_external.onnx_data");
  const floats = tensorFloats(inside, inside.initializers.get(name)!)!;
  assert.equal(floats.length, 64 * 16);
  assert.deepEqual(tensorFloats(outside, tensor), floats);
  const halves = tensorFloats(half, half.initializers.get(name)!)!;
  for (const [i, float] of floats.entries()) {
    assert.ok(Math.abs(halves[i] - float) <= 2 ** -11 * Math.abs(float) + 1e-7, `element ${i}`);
  }
});

Deno.test("tensorFloats() refuses data that is missing, outside the folder or too short", async () => {
  const outside = await loadModel(fixture("gpt2_external.onnx"));
  const tensor = outside.initializers.get("transformer.wte.weight")!;
  const at = (location: string) => ({ ...tensor, external: { location, offset: 0, length: 4096 } });
  assert.throws(() => tensorFloats(outside, at("none.data")), /there is no file ".*none\.data"/);
  assert.throws(() => tensorFloats(outside, at("../x.data")), /outside/);
  const short = readModel(
    model([weight("w", [2, 3], [1, 2, 3]), node("Neg", ["w"], ["y"])]),
    "m",
  );
  assert.throws(() => tensorFloats(short, short.initializers.get("w")!), {
    name: "SdmError",
    message: /found 12 bytes, its shape \[2, 3\] needs 24/,
  });
});
