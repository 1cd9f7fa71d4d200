import assert from "assert";
import { loadModel } from "../../lib/onnx/graph.ts";
import { ELEM, type OnnxModel } from "../../lib/onnx/model.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { broadcast, combine, divide, product } from "../../lib/onnx/shape_arithmetic.ts";
import type { Dim } from "../../lib/onnx/shape_types.ts";
import { factsOf } from "../../lib/onnx/shapes.ts";
import { fixture } from "./oracle.ts";

Deno.test("sizes are added, multiplied and divided exactly, symbols included", () => {
  assert.equal(product([2, "b", 3, "s"]), "6*b*s");
  assert.equal(product(["?", 2]), "?");
  assert.equal(divide(["b", "4*s", 8], ["b", 32]), "s");
  assert.equal(divide(["b", "s", 6], ["s", 4]), "?", "no whole number");
  assert.equal(divide(["b"], ["s"]), "?");
  assert.equal(combine("Add", "past", "s"), "past + s");
  assert.equal(combine("Sub", "s", "s"), 0);
  assert.equal(combine("Mul", "b", 2), "2*b");
  assert.equal(combine("Div", "2*b", 2), "b");
  assert.equal(combine("Div", 7, 2), 3);
  assert.deepEqual(broadcast(["b", 1, 4], ["s", 1]), ["b", "s", 4]);
});

/** A size as a number, when the symbols are known. */
function sizeOf(dim: Dim, known: Record<string, number>): number | undefined {
  if (typeof dim === "number") return dim;
  const sum = dim.split(" + ").map((term) =>
    term.split("*").map((factor) => known[factor] ?? Number(factor)).reduce((a, b) => a * b, 1)
  ).reduce((a, b) => a + b, 0);
  return Number.isNaN(sum) ? undefined : sum;
}

/** Float tensors whose sizes the graph tells in full, with how many numbers that makes. */
function told(model: OnnxModel, known: Record<string, number>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const tensor of model.producers.keys()) {
    const { dims, elemType } = factsOf(model, tensor);
    const sizes = dims?.map((dim) => sizeOf(dim, known));
    if (elemType !== ELEM.FLOAT || !sizes || sizes.includes(undefined)) continue;
    counts.set(tensor, (sizes as number[]).reduce((a, b) => a * b, 1));
  }
  return counts;
}

Deno.test("inferred shapes are those that a run gives, for every float tensor", async () => {
  const files = ["gpt2", "gpt2_opset14", "gpt2_past", "llama", "neox", "qwen3"].map((stem) =>
    `${stem}.onnx`
  );
  for (const file of [...files, "zoo/gemma3-dynamo/model.onnx", "zoo/bert-optimum/model.onnx"]) {
    const model = await loadModel(fixture(file));
    const batch = 2, length = 7;
    const known: Record<string, number> = {
      batch_size: batch,
      sequence_length: length,
      past_sequence_length: 0,
    };
    model.inputs.find((input) => input.name === "input_ids")!.dims!.forEach((dim, axis) => {
      if (typeof dim === "string") known[dim] = [batch, length][axis];
    });
    const counts = told(model, known);
    const floats = [...model.producers.keys()].filter((t) =>
      factsOf(model, t).elemType === ELEM.FLOAT
    );
    assert.ok(counts.size > 0.9 * floats.length, `${file}: ${counts.size} of ${floats.length}`);
    const taps = [...counts.keys()];
    const runner = await createRunner({ model, taps, provider: "cpu" });
    const ids = Int32Array.from({ length: batch * length }, (_, i) => (i * 5 + 1) % 64);
    const arrays = await runner.run(ids, batch, length);
    await runner.close();
    taps.forEach((tap, i) => assert.equal(arrays[i].length, counts.get(tap), `${file}: ${tap}`));
  }
});
