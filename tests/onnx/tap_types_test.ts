/** Taps of every element type come out as float32. */
import assert from "assert";
import { tapOutputs } from "../../lib/onnx/edit.ts";
import { parseModel } from "../../lib/onnx/graph.ts";
import { intField, sizedField } from "../../lib/onnx/protobuf.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { attribute, model, node, value, weight } from "./build.ts";

/** Element types of onnx.proto by number. */
const TYPES: [name: string, number: number, values: number[]][] = [
  ["float16", 10, [0.5, 3, -1.25]],
  ["bfloat16", 16, [0.5, 3, -1.25]],
  ["double", 11, [0.5, 3, -1.25]],
  ["int8", 3, [0, 3, -1]],
  ["uint8", 2, [0, 3, 255]],
  ["int16", 5, [0, 3, -1]],
  ["int32", 6, [0, 3, -1]],
  ["int64", 7, [0, 3, -1]],
  ["bool", 9, [1, 1, 1]],
];

/** Floats looked up by ids, turned into `type` as tensor `t`, of which the file declares nothing. */
function typed(type: number): Uint8Array<ArrayBuffer> {
  return model([
    node("Gather", ["table", "input_ids"], ["x"]),
    node("Cast", ["x"], ["t"], [attribute("to", type)]),
    weight("table", [4], [0.5, 3, type === 2 ? 255 : -1.25, 9]),
    value(11, "input_ids", 7, ["batch", "length"]),
    value(12, "t"),
  ]);
}

for (const provider of ["cpu", "wasm"] as const) {
  Deno.test(`a tap of any number type is given as float32: ${provider}`, async () => {
    for (const [name, type, values] of TYPES) {
      const parsed = parseModel(typed(type), name);
      assert.deepEqual(tapOutputs(parsed, ["t"]).outputs, ["t/sdm_float32"], name);
      const runner = await createRunner({ model: parsed, taps: ["t", "x"], provider });
      const [t, x] = await runner.run(Int32Array.of(0, 1, 2), 1, 3);
      await runner.close();
      assert.ok(t instanceof Float32Array, name);
      assert.deepEqual([...t], values, name);
      assert.equal(x.length, 3);
    }
  });
}

Deno.test("quantised tensors are tapped as the integers that they are, and behind their scale", async () => {
  const bytes = model([
    node("Gather", ["table", "input_ids"], ["x"]),
    node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
    node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
    weight("table", [4], [0.5, 3, -1.25, 90]),
    weight("scale", [], [0.25]),
    sizedField(5, [intField(2, 3), sizedField(8, "zero"), sizedField(9, Uint8Array.of(5))]),
    value(11, "input_ids", 7, ["batch", "length"]),
    value(12, "d", 1),
  ]);
  const parsed = parseModel(bytes, "quantised");
  const runner = await createRunner({ model: parsed, taps: ["q", "d"], provider: "cpu" });
  const [q, d] = await runner.run(Int32Array.of(0, 1, 2, 3), 1, 4);
  await runner.close();
  assert.deepEqual([...q], [7, 17, 0, 127]);
  assert.deepEqual([...d], [0.5, 3, -1.25, 30.5]);
});

Deno.test("weights of half precision are tapped too", async () => {
  const half = sizedField(5, [
    intField(1, 3),
    intField(2, 16),
    sizedField(8, "w"),
    sizedField(9, Uint8Array.of(0x80, 0x3f, 0x00, 0xc0, 0x40, 0x41)),
  ]);
  const bytes = model([
    node("Cast", ["input_ids"], ["x"], [attribute("to", 16)]),
    node("Concat", ["x", "w"], ["y"], [attribute("axis", 0)]),
    half,
    value(11, "input_ids", 7, ["n"]),
    value(12, "y"),
  ]);
  const parsed = parseModel(bytes, "m");
  const tapped = tapOutputs(parsed, ["w"]);
  assert.deepEqual(tapped.inputs, []);
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(tapped.bytes, { logSeverityLevel: 4 });
  const { "w/sdm_float32": w } = await session.run({});
  await session.release();
  assert.deepEqual([...w.data as Float32Array], [1, -2, 12]);
});
