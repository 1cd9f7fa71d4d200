import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { contextLimit, describeModel, unembedding, vocabSize } from "../../lib/onnx/describe.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import {
  expandHookpoints,
  findHookpoints,
  listHookpoints,
  resolveHookpoint,
} from "../../lib/onnx/hookpoints.ts";
import { tensorFloats } from "../../lib/onnx/tensors.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { model, node, value } from "./build.ts";
import { fixture, loadOracle, relativeError } from "./oracle.ts";

const FILES = ["gpt2", "gpt2_past", "gpt2_opset14", "gpt2_f16", "gpt2_external"];

Deno.test("listHookpoints() gives names, tensors, layers and widths of GPT-2 in every export", async () => {
  for (const file of FILES) {
    const points = listHookpoints(await loadModel(fixture(`${file}.onnx`)));
    assert.equal(points.length, 24, file);
    const into = points.find((point) => point.name === "blocks.1.attn.hook_in")!;
    assert.deepEqual([into.kind, into.d, into.layer], ["attn_in", 16, 1], file);
    assert.match(into.tensor, /h\.1\/ln_1\//, file);
    const byName = new Map(points.map((point) => [point.name, point]));
    const mid = byName.get("blocks.1.hook_resid_mid")!;
    assert.equal(mid.tensor, "/transformer/h.1/Add_output_0", file);
    assert.equal(mid.kind, "resid_mid");
    assert.equal(mid.layer, 1);
    assert.equal(mid.d, 16);
    assert.match(mid.why, /stream.*name agrees/);
    assert.equal(byName.get("blocks.0.mlp.hook_post")!.d, 64, file);
    const post = byName.get("blocks.0.hook_resid_post")!;
    assert.equal(post.tensor, byName.get("blocks.1.hook_resid_pre")!.tensor, file);
  }
});

Deno.test("listHookpoints() does not need the exporter's names", async () => {
  // The same graph with every path segment scrambled: only the structure is left.
  const bytes = await Deno.readFile(fixture("gpt2.onnx"));
  const find = new TextEncoder().encode("/transformer/h.");
  const scrambled = bytes.slice();
  for (let at = 0; at + find.length < bytes.length; at++) {
    if (find.every((byte, i) => bytes[at + i] === byte)) {
      for (let i = 0; i < find.length; i++) scrambled[at + i] = 0x71;
    }
  }
  const points = listHookpoints(parseModel(scrambled, "m"));
  assert.equal(points.length, 24);
  assert.ok(points.every((point) => point.d !== undefined));
  assert.ok(!points.find((p) => p.name === "blocks.1.hook_resid_mid")!.why.includes("agrees"));
});

Deno.test("listHookpoints() leaves out resid_mid where attention and MLP are added together", async () => {
  const points = listHookpoints(await loadModel(fixture("neox.onnx")));
  assert.equal(points.filter((point) => point.kind === "resid_mid").length, 0);
  assert.equal(points.filter((point) => point.kind === "resid_post").length, 2);
});

Deno.test("resolveHookpoint() takes canonical names and tensor names", async () => {
  const gpt2 = await loadModel(fixture("gpt2.onnx"));
  const point = resolveHookpoint(gpt2, "blocks.0.hook_mlp_out");
  assert.equal(point.tensor, "/transformer/h.0/mlp/c_proj/Reshape_1_output_0");
  const raw = resolveHookpoint(gpt2, "/transformer/h.0/mlp/c_fc/Gemm_output_0");
  assert.deepEqual([raw.kind, raw.d, raw.layer], ["raw", 64, undefined]);
  assert.equal(resolveHookpoint(gpt2, "logits").d, 64);
});

Deno.test("resolveHookpoint() offers the nearest names for an unknown one", async () => {
  const gpt2 = await loadModel(fixture("gpt2.onnx"));
  assert.throws(() => resolveHookpoint(gpt2, "blocks.0.hook_resid_pots"), (error: unknown) => {
    assert.ok(error instanceof SdmError);
    assert.match(
      error.message,
      /^Cannot find hookpoint "blocks.0.hook_resid_pots" in ".*": did you mean "blocks.0.hook_resid_post"/,
    );
    assert.match(error.hint ?? "", /^sdm hooks /);
    return true;
  });
  assert.throws(
    () => resolveHookpoint(gpt2, "/transformer/h.1/Add_outputs_0"),
    /did you mean "\/transformer\/h\.1\/Add_output_0"/,
  );
});

Deno.test("findHookpoints() says why a graph of another kind has no names", () => {
  const parsed = parseModel(
    model([
      node("Cast", ["input_ids"], ["x"]),
      node("Neg", ["x"], ["logits"]),
      value(11, "input_ids", 7, ["b", "s"]),
      value(12, "logits", 1),
    ]),
    "m",
  );
  const found = findHookpoints(parsed);
  assert.deepEqual(found.hookpoints, []);
  assert.match(found.trouble!, /no norm/);
  assert.throws(
    () => resolveHookpoint(parsed, "blocks.0.hook_resid_pre"),
    /no norm was found before output "logits", the name of a tensor is needed/,
  );
  assert.equal(resolveHookpoint(parsed, "x").kind, "raw");
});

Deno.test("describeModel() reads vocabulary and context limit", async () => {
  for (const file of FILES) {
    const gpt2 = await loadModel(fixture(`${file}.onnx`));
    assert.deepEqual([vocabSize(gpt2), contextLimit(gpt2)], [64, 32], file);
  }
  const llama = describeModel(await loadModel(fixture("llama.onnx")));
  assert.deepEqual([llama.vocab, llama.contextLimit, llama.layers], [64, undefined, 2]);
  assert.deepEqual(llama.inputs.map((i) => i.name), [
    "input_ids",
    "attention_mask",
    "position_ids",
  ]);
  assert.equal(llama.opset, 18);
});

/** Layer norm (centred) or RMS norm without gain and bias, row by row. */
function normalise(x: Float32Array, d: number, centred: boolean, epsilon: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += d) {
    const row = x.subarray(at, at + d);
    const mean = centred ? row.reduce((a, b) => a + b, 0) / d : 0;
    const square = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / d;
    for (let i = 0; i < d; i++) out[at + i] = (row[i] - mean) / Math.sqrt(square + epsilon);
  }
  return out;
}

Deno.test("unembedding() turns the final stream of a Llama into PyTorch's logits", async () => {
  const { arrays } = await loadOracle("llama");
  const { weight, vocab, d, finalNormGain } = unembedding(await loadModel(fixture("llama.onnx")))!;
  assert.deepEqual([vocab, d, weight.length, finalNormGain?.length], [64, 16, 1024, 16]);
  const unit = normalise(arrays.get("blocks.1.hook_resid_post")!, d, false, 1e-6);
  const logits = new Float32Array(unit.length / d * vocab);
  for (let at = 0; at < logits.length; at++) {
    const row = Math.floor(at / vocab), token = at % vocab;
    for (let i = 0; i < d; i++) {
      logits[at] += unit[row * d + i] * finalNormGain![i] * weight[token * d + i];
    }
  }
  assert.ok(relativeError(logits, arrays.get("logits")!) < 1e-4);
});

Deno.test("unembedding() of GPT-2 is its tied embedding, in every export", async () => {
  for (const file of FILES) {
    const gpt2 = await loadModel(fixture(`${file}.onnx`));
    const { weight, finalNormGain } = unembedding(gpt2)!;
    const runner = await createRunner({
      model: gpt2,
      taps: ["transformer.wte.weight", "transformer.ln_f.weight"],
      provider: "cpu",
    });
    const [embedding, gain] = await runner.run(Int32Array.of(0), 1, 1);
    await runner.close();
    assert.deepEqual(weight, embedding, file);
    assert.deepEqual(finalNormGain, gain, file);
  }
});

Deno.test("the bundled model: hookpoints, limits, and an unembedding that is its embedding", async () => {
  const path = decodeURIComponent(
    new URL("../../models/demo/model.onnx", import.meta.url).pathname,
  );
  const demo = await loadModel(path);
  const facts = describeModel(demo);
  assert.deepEqual([facts.layers, facts.vocab, facts.contextLimit], [4, 4096, 128]);
  const tensors = facts.hookpoints.filter((p) => p.kind === "resid_post").map((p) => p.tensor);
  assert.deepEqual(tensors, [0, 1, 2, 3].map((l) => `/transformer/h.${l}/Add_1_output_0`));
  assert.ok(facts.hookpoints.every((p) => p.d === (p.kind === "mlp_hidden" ? 768 : 192)));
  assert.ok(facts.hookpoints.every((p) => p.confidence === "certain"), "names agree");
  // The file holds the embedding once, [vocab, d], and transposes it on the way to the logits.
  const embedding = tensorFloats(demo, demo.initializers.get("transformer.wte.weight")!);
  const { weight, vocab, d } = unembedding(demo)!;
  assert.deepEqual([vocab, d], [4096, 192]);
  assert.deepEqual(weight, embedding);
});

Deno.test("every layer of every kind of graph has an input of its attention", async () => {
  for (const file of ["gpt2", "llama", "neox"]) {
    const points = listHookpoints(await loadModel(fixture(`${file}.onnx`)));
    const layers = new Set(points.map((point) => point.layer));
    const inputs = points.filter((point) => point.kind === "attn_in");
    assert.equal(inputs.length, layers.size, file);
    assert.ok(inputs.every((point) => point.d === 16), file);
  }
});

Deno.test("expandHookpoints() takes names and patterns, each in its order", async () => {
  const gpt2 = await loadModel(fixture("gpt2.onnx"));
  const names = (wanted: string[]) => expandHookpoints(gpt2, wanted).map((point) => point.name);
  assert.deepEqual(names(["blocks.*.hook_mlp_out", "blocks.0.mlp.hook_in"]), [
    "blocks.0.hook_mlp_out",
    "blocks.1.hook_mlp_out",
    "blocks.0.mlp.hook_in",
  ]);
  assert.equal(names(["blocks.1.*"]).length, 5, "a star does not pass a dot");
  assert.deepEqual(names([]), []);
  assert.throws(() => expandHookpoints(gpt2, ["blocks.*.hook_mlp_ot"]), (error: unknown) => {
    assert.ok(error instanceof SdmError);
    assert.match(error.message, /"blocks\.\*\.hook_mlp_ot" means none of the 24 that there are$/);
    assert.match(error.hint!, /"blocks\.\*\.hook_mlp_out"/);
    return true;
  });
  assert.throws(() => expandHookpoints(gpt2, ["blocks.7.hook_mlp_out"]), /did you mean/);
});
