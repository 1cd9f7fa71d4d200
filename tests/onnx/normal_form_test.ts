import assert from "assert";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import type { OnnxModel } from "../../lib/onnx/model.ts";
import { normalForm } from "../../lib/onnx/normal_form.ts";
import { fieldBytes, readFields, sizedField } from "../../lib/onnx/protobuf.ts";
import { readModel } from "../../lib/onnx/read.ts";
import { attributeOf, nodeMetadata } from "../../lib/onnx/tensors.ts";
import { changeModel, floatAttribute, makeNode, writeModel } from "../../lib/onnx/write.ts";
import { model, node, value, weight } from "./build.ts";
import { fixture, relativeError } from "./oracle.ts";
import { outputsOf } from "./session.ts";

async function raw(file: string): Promise<OnnxModel> {
  return readModel(await Deno.readFile(fixture(file)), file);
}

/** The model with other outputs. */
function withOutputs(whole: OnnxModel, names: readonly string[]): OnnxModel {
  return changeModel(whole, { outputs: names.map((name) => ({ name })) });
}

const isSkip = (op: string) => /^(Skip|Embed)/.test(op);

Deno.test("a decoder of fused norms computes the same logits with its norms apart", async () => {
  const fused = await raw("llama_genai.onnx"), plain = normalForm(fused);
  assert.equal(fused.nodes.filter(({ op }) => isSkip(op)).length, 4);
  assert.equal(plain.nodes.filter(({ op }) => isSkip(op)).length, 0);
  for (const level of ["disabled", "all"] as const) {
    const [a] = await outputsOf(fused, ["logits"], level);
    const [b] = await outputsOf(plain, ["logits"], level);
    assert.ok(relativeError(b, a) < 1e-5, level);
  }
});

Deno.test("a residual keeps the name and the bits that the fused norm gave it", async () => {
  const fused = await raw("llama_genai.onnx"), plain = normalForm(fused);
  const first = "/model/layers.0/post_attention_layernorm/output_3";
  assert.equal(plain.producers.get(first)?.op, "Add");
  const [a] = await outputsOf(withOutputs(fused, [first]), [first]);
  const [b] = await outputsOf(withOutputs(plain, [first]), [first]);
  assert.deepEqual(b, a);
  const last = plain.nodes.find(({ op, inputs }) => {
    return op === "SimplifiedLayerNormalization" && inputs[0].endsWith("/sdm_residual");
  })!;
  assert.equal(last.inputs[0], `${last.outputs[0]}/sdm_residual`, "one that was not given out");
  assert.ok(last.name.endsWith("final_norm_layernorm/SkipLayerNorm"), "the norm keeps its name");
});

Deno.test("an encoder of fused embeddings, norms and biases computes the same", async () => {
  const fused = await raw("bert_fused.onnx"), plain = normalForm(fused);
  assert.deepEqual(
    plain.nodes.filter(({ op }) => isSkip(op)).map(({ op, outputs }) => [op, outputs.length]),
    [["EmbedLayerNormalization", 2]],
    "what counts the tokens of a row stays for the attention that asks",
  );
  const [a] = await outputsOf(fused, ["last_hidden_state"]);
  const [b] = await outputsOf(plain, ["last_hidden_state"]);
  assert.ok(relativeError(b, a) < 1e-5);
  const biased = plain.nodes.filter(({ outputs }) => outputs[0].endsWith("/sdm_biased"));
  assert.equal(biased.length, 4);
  for (const { inputs } of biased) {
    assert.equal(plain.producers.get(inputs[0])?.op, "MatMul", "the bias goes to the product");
  }
});

Deno.test("of a merged decoder the branch without a past is the graph, bit for bit", async () => {
  const merged = await raw("gpt2_merged.onnx"), plain = normalForm(merged);
  assert.deepEqual(merged.nodes.map(({ op }) => op), ["If"]);
  assert.ok(plain.nodes.length > 100);
  assert.deepEqual(plain.inputs.map(({ name }) => name), [
    "input_ids",
    "attention_mask",
    "position_ids",
  ]);
  assert.deepEqual(plain.outputs.map(({ name }) => name), merged.outputs.map(({ name }) => name));
  for (const level of ["disabled", "all"] as const) {
    const [a, key] = await outputsOf(merged, ["logits", "present.1.key"], level);
    const [b, other] = await outputsOf(plain, ["logits", "present.1.key"], level);
    assert.deepEqual(b, a, level);
    assert.deepEqual(other, key, level);
  }
});

Deno.test("loadModel() gives the normal form, and leaves alone what is in it already", async () => {
  const merged = await loadModel(fixture("gpt2_merged.onnx"));
  assert.ok(merged.producers.get("logits")!.op !== "If");
  for (const file of ["gpt2.onnx", "neox.onnx", "gpt2_past.onnx"]) {
    const whole = await raw(file);
    assert.equal(normalForm(whole), whole);
  }
});

Deno.test("writeModel() writes every field of a file that was read, and no other", async () => {
  const sorted = (bytes: Uint8Array) =>
    readFields(bytes).map((field) => bytes.subarray(field.start, field.end).toBase64()).sort();
  const isGraph = (field: { number: number }) => field.number === 7;
  for (const file of ["gpt2.onnx", "gpt2_external.onnx", "qwen3.onnx", "llama_genai.onnx"]) {
    const before = await Deno.readFile(fixture(file)), after = writeModel(readModel(before, file));
    const graphs = [before, after].map((bytes) =>
      fieldBytes(bytes, readFields(bytes).find(isGraph)!)
    );
    assert.deepEqual(sorted(graphs[1]), sorted(graphs[0]), file);
    assert.equal(after.length, before.length, file);
  }
});

/** x + skip + bias, normalised, as one fused node of `op`. */
function skipModel(op: string, inputs: string[], outputs: string[], shown: string[]) {
  const fused = makeNode(op, inputs, outputs, {
    domain: "com.microsoft",
    name: "fused",
    fields: [floatAttribute("epsilon", 1e-3)],
  });
  const notes = sizedField(9, [sizedField(1, "scope"), sizedField(2, "layer 1")]);
  const vector = (name: string, start: number) =>
    weight(name, [4], [start, start + 0.5, start - 1, start * 2]);
  const microsoft = sizedField(8, [sizedField(1, "com.microsoft"), Uint8Array.of(16, 1)]);
  const more = shown.map((name) => value(12, name, 1));
  return model([
    node("Gather", ["table", "input_ids"], ["x"]),
    node("Sin", ["x"], ["skip"]),
    node("MatMul", ["x", "square"], ["product"]),
    sizedField(1, [fused.bytes, notes]),
    weight("table", [64, 4], Array.from({ length: 256 }, (_, i) => Math.cos(i * i))),
    weight("square", [4, 4], Array.from({ length: 16 }, (_, i) => Math.sin(i))),
    vector("gain", 1),
    vector("beta", 0.3),
    vector("bias", -2),
    value(11, "input_ids", 7, ["batch", "length"]),
    ...more,
  ], [microsoft]);
}

const SKIPS: [string, string, string[], string[]][] = [
  ["plain", "SkipLayerNormalization", ["x", "skip", "gain"], ["y"]],
  ["with beta", "SkipLayerNormalization", ["x", "skip", "gain", "beta"], ["y", "", "", "sum"]],
  ["with bias", "SkipLayerNormalization", ["x", "skip", "gain", "beta", "bias"], [
    "y",
    "",
    "",
    "sum",
  ]],
  ["bias, no beta", "SkipLayerNormalization", ["x", "skip", "gain", "", "bias"], ["y"]],
  ["bias of a product", "SkipLayerNormalization", ["x", "product", "gain", "", "bias"], ["y"]],
  ["simplified", "SkipSimplifiedLayerNormalization", ["x", "skip", "gain"], ["y", "", "", "sum"]],
  ["simplified, bias", "SkipSimplifiedLayerNormalization", ["product", "x", "gain", "bias"], [
    "y",
    "",
    "",
    "sum",
  ]],
];

Deno.test("every form of fused norm computes the same apart, its sum too", async () => {
  for (const [label, op, inputs, outputs] of SKIPS) {
    const shown = outputs.filter((name) => name !== "");
    const fused = readModel(skipModel(op, inputs, outputs, shown), label);
    const plain = normalForm(fused);
    assert.ok(!plain.nodes.some((one) => isSkip(one.op)), label);
    const a = await outputsOf(fused, shown), b = await outputsOf(plain, shown);
    for (const [i, name] of shown.entries()) {
      assert.ok(relativeError(b[i], a[i]) < 1e-6, `${label} ${name}`);
    }
    const norm = plain.producers.get("y")!;
    assert.equal(norm.name, "fused");
    assert.equal(nodeMetadata(norm).get("scope"), "layer 1", label);
    assert.ok(Math.abs(attributeOf(norm, "epsilon")!.float! - 1e-3) < 1e-9, label);
  }
});

Deno.test("a fused norm whose statistics are asked for stays", () => {
  for (const op of ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"]) {
    const kept = skipModel(op, ["x", "skip", "gain"], ["y", "", "spread"], ["y", "spread"]);
    assert.equal(parseModel(kept, "m").producers.get("y")?.op, op);
  }
});

Deno.test("embeddings without positions or segments get positions 0, 1, … of each row", async () => {
  const fields = makeNode(
    "EmbedLayerNormalization",
    [
      ...["input_ids", "", "table", "places", "", "gain", "beta"],
    ],
    ["y", "counts", "sum"],
    { domain: "com.microsoft" },
  );
  const microsoft = sizedField(8, [sizedField(1, "com.microsoft"), Uint8Array.of(16, 1)]);
  const row = (count: number, step: number) =>
    Array.from({ length: count }, (_, i) => Math.sin(i * step));
  const bytes = model([
    sizedField(1, fields.bytes),
    weight("table", [64, 4], row(256, 0.7)),
    weight("places", [16, 4], row(64, 1.3)),
    weight("gain", [4], [1, 2, 3, 4]),
    weight("beta", [4], [0, 1, 0, 1]),
    value(11, "input_ids", 6, ["batch", "length"]),
    value(12, "y", 1),
    value(12, "sum", 1),
  ], [microsoft]);
  const fused = readModel(bytes, "m"), plain = normalForm(fused);
  assert.ok(!plain.nodes.some((one) => isSkip(one.op)));
  const a = await outputsOf(fused, ["y", "sum"]), b = await outputsOf(plain, ["y", "sum"]);
  assert.ok(relativeError(b[0], a[0]) < 1e-6);
  assert.deepEqual(b[1], a[1]);
});
