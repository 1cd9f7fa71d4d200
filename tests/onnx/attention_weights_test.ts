import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { type AttentionWeights, attentionWeights } from "../../lib/onnx/attention_weights.ts";
import { loadModel } from "../../lib/onnx/graph.ts";
import { resolveHookpoint } from "../../lib/onnx/hookpoints.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { attentionMix, attentionScores } from "../../lib/reference/attention_product.ts";
import { causalSoftmax } from "../../lib/reference/causal_softmax.ts";
import { rmsRows } from "../../lib/reference/rms_rows.ts";
import { ropeRows, type Turning } from "../../lib/reference/rope_rows.ts";
import { dot, type Matrix } from "../../lib/reference/types.ts";
import { fixture, relativeError } from "./oracle.ts";

function matrixOf(data: Float32Array, cols: number): Matrix {
  return Array.from(
    { length: data.length / cols },
    (_, r) => Float64Array.from(data.subarray(r * cols, (r + 1) * cols)),
  );
}

/** Attention on one sequence, from its weights, by definition. */
function attend(x: Matrix, given: AttentionWeights, turning?: Turning): Matrix {
  const { heads, keyHeads, width, dIn, dOut } = given;
  const out = x.map(() => Float64Array.from(given.bO));
  const o = matrixOf(given.o, dOut);
  const norm = (m: Matrix, gain?: Float32Array) =>
    gain ? m.map((row) => rmsRows(row, Float64Array.from(gain), 1e-6)) : m;
  const side = (w: Float32Array, b: Float32Array, head: number) => {
    const rows = matrixOf(w, dIn).slice(head * width, (head + 1) * width);
    return x.map((row) => Float64Array.from(rows, (r, j) => dot(row, r) + b[head * width + j]));
  };
  const turn = (m: Matrix) => turning ? m.map((row, t) => ropeRows(row, t, turning)) : m;
  for (let h = 0; h < heads; h++) {
    const shared = Math.floor(h / (heads / keyHeads));
    const q = turn(norm(side(given.q, given.bQ, h), given.gainQ));
    const k = turn(norm(side(given.k, given.bK, shared), given.gainK));
    const pattern = causalSoftmax(attentionScores(q, k), 1 / Math.sqrt(width));
    const z = attentionMix(pattern, side(given.v, given.bV, shared));
    z.forEach((row, t) =>
      row.forEach((v, j) => o[h * width + j].forEach((w, c) => out[t][c] += v * w))
    );
  }
  return out;
}

/** What the graph computes at a hookpoint, and what its attention weights make of the same input. */
async function errorOf(path: string, name: string, turning?: Turning) {
  const model = await loadModel(path);
  const point = resolveHookpoint(model, name);
  const weights = attentionWeights(model, point);
  const runner = await createRunner({
    model,
    taps: [weights.input, point.tensor],
    provider: "cpu",
  });
  const ids = Int32Array.from({ length: 9 }, (_, i) => (i * 7 + 3) % 64);
  const [input, wanted] = await runner.run(ids, 1, ids.length);
  await runner.close();
  const got = attend(matrixOf(input, weights.dIn), weights, turning);
  const flat = Float32Array.from(got.flatMap((row) => [...row]));
  return { weights, error: relativeError(flat, wanted) };
}

const halves = (dim: number): Turning => ({
  angles: Array.from({ length: dim / 2 }, (_, i) => 10000 ** (-2 * i / dim)),
  adjacentPairs: false,
  copies: 1,
});

Deno.test("attentionWeights() of the bundled model make what its attention adds, in every layer", async () => {
  const path = decodeURIComponent(
    new URL("../../models/demo/model.onnx", import.meta.url).pathname,
  );
  for (const layer of [0, 3]) {
    const { weights, error } = await errorOf(path, `blocks.${layer}.hook_attn_out`);
    const { heads, keyHeads, width, dIn, dOut, input } = weights;
    assert.deepEqual([heads, keyHeads, width, dIn, dOut], [6, 6, 32, 192, 192]);
    assert.match(input, /h\.\d\/ln_1\/LayerNormalization_output_0$/);
    assert.ok(weights.bQ.some((v) => v !== 0) && weights.bV.some((v) => v !== 0));
    assert.ok(error < 1e-5, `layer ${layer} is off by ${error}`);
  }
});

Deno.test("attentionWeights() of GPT-2 in every export: one product, cut in three", async () => {
  for (const file of ["gpt2", "gpt2_past", "gpt2_opset14", "gpt2_external"]) {
    const { weights, error } = await errorOf(fixture(`${file}.onnx`), "blocks.1.hook_attn_out");
    assert.deepEqual([weights.heads, weights.keyHeads, weights.width], [2, 2, 8], file);
    assert.ok(error < 1e-5, `${file} is off by ${error}`);
  }
  const { error } = await errorOf(fixture("gpt2_f16.onnx"), "blocks.1.hook_attn_out");
  assert.ok(error < 5e-3, `half precision is off by ${error}`);
});

Deno.test("attentionWeights() of Llama: separate products, keys and values shared by heads", async () => {
  const { weights, error } = await errorOf(
    fixture("llama.onnx"),
    "blocks.1.hook_attn_out",
    halves(8),
  );
  assert.deepEqual([weights.heads, weights.keyHeads, weights.width], [2, 1, 8]);
  assert.deepEqual([weights.k.length, weights.bK.length], [8 * 16, 8]);
  assert.ok(error < 1e-5, `off by ${error}`);
});

Deno.test("attentionWeights() of NeoX: one product, cut head by head", async () => {
  const { weights, error } = await errorOf(
    fixture("neox.onnx"),
    "blocks.1.hook_attn_out",
    halves(2),
  );
  assert.deepEqual([weights.heads, weights.keyHeads, weights.width], [2, 2, 8]);
  assert.ok(error < 1e-5, `off by ${error}`);
});

Deno.test("attentionWeights() of Qwen3: norms of queries and keys, heads wider than the stream", async () => {
  const { weights, error } = await errorOf(
    fixture("qwen3.onnx"),
    "blocks.0.hook_attn_out",
    halves(6),
  );
  assert.deepEqual([weights.heads, weights.keyHeads, weights.width, weights.dIn], [4, 2, 6, 16]);
  assert.deepEqual([weights.gainQ?.length, weights.gainK?.length], [6, 6]);
  assert.notDeepEqual(weights.gainQ, weights.gainK);
  assert.ok(error < 1e-5, `off by ${error}`);
});

Deno.test("attentionWeights() says what it needs of a hookpoint", async () => {
  const model = await loadModel(fixture("gpt2.onnx"));
  for (const name of ["blocks.0.hook_mlp_out", "blocks.1.hook_resid_pre"]) {
    assert.throws(() => attentionWeights(model, resolveHookpoint(model, name)), (error) => {
      assert.ok(error instanceof SdmError);
      assert.match(
        error.message,
        /^Cannot read attention weights of "blocks.\d.\w+" in ".*gpt2.onnx": no such attention leads to it, /,
      );
      return true;
    });
  }
});
