import assert from "assert";
import { attentionWeights } from "../../lib/onnx/attention_weights.ts";
import { loadModel } from "../../lib/onnx/graph.ts";
import { resolveHookpoint } from "../../lib/onnx/hookpoints.ts";
import { fixture, readOracle, relativeError } from "./oracle.ts";

/** Rows of `x` [n, dIn] times a matrix [out, dIn], plus a bias. */
function project(x: Float32Array, w: Float32Array, b: Float32Array, dIn: number): Float32Array {
  const out = new Float32Array(x.length / dIn * b.length);
  for (let at = 0; at < out.length; at++) {
    const row = Math.floor(at / b.length), column = at % b.length;
    let sum = b[column];
    for (let i = 0; i < dIn; i++) sum += w[column * dIn + i] * x[row * dIn + i];
    out[at] = sum;
  }
  return out;
}

const names = [...Deno.readDirSync(fixture("zoo"))].map((entry) => entry.name).sort();

Deno.test("attentionWeights() make PyTorch's queries, keys and values, whatever wrote the graph", async () => {
  const read: string[] = [];
  for (const name of names) {
    const model = await loadModel(fixture(`zoo/${name}/model.onnx`));
    const point = resolveHookpoint(model, "blocks.0.hook_attn_out");
    if (/-int\d$/.test(name)) {
      assert.throws(
        () => attentionWeights(model, point),
        /its weights are quantised \(MatMul/,
        name,
      );
      continue;
    }
    const { arrays } = await readOracle(fixture(`zoo/${name}/oracle`));
    const { q, k, v, bQ, bK, bV, dIn, heads, width, o, dOut } = attentionWeights(model, point);
    const input = arrays.get("blocks.0.attn.hook_in")!;
    for (const [role, w, b] of [["q", q, bQ], ["k", k, bK], ["v", v, bV]] as const) {
      const wanted = arrays.get(`blocks.0.attn.hook_${role}`)!;
      const error = relativeError(project(input, w, b, dIn), wanted);
      assert.ok(error < (name.endsWith("fp16") ? 2e-3 : 1e-5), `${name} ${role}: ${error}`);
    }
    assert.equal(o.length, heads * width * dOut, name);
    read.push(name);
  }
  // Fused operators with queries, keys and values packed (Phi, Llama) and apart (Gemma 3) are among them.
  for (const name of ["phi-genai", "llama-genai-fp16", "gemma3-genai", "bert-optimum"]) {
    assert.ok(read.includes(name), name);
  }
});

Deno.test("an Attention node's own weights are those that it was fused from", async () => {
  const model = await loadModel(fixture("bert_fused.onnx"));
  const fused = model.nodes.filter((node) => node.op === "Attention");
  assert.ok(fused.length > 0);
  const weights = attentionWeights(model, resolveHookpoint(model, "blocks.0.hook_attn_out"));
  const { heads, width, dIn, q, k, v } = weights;
  assert.deepEqual([q.length, k.length, v.length], Array(3).fill(heads * width * dIn));
  assert.equal(weights.input, resolveHookpoint(model, "blocks.0.attn_in").tensor);
});
