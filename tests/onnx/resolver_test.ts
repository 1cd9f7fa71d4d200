import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { contextLimit, unembedding, vocabSize } from "../../lib/onnx/describe.ts";
import { explainHookpoint } from "../../lib/onnx/explain.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import {
  expandHookpoints,
  findHookpoints,
  listHookpoints,
  resolveHookpoint,
} from "../../lib/onnx/hookpoints.ts";
import { listTensors } from "../../lib/onnx/listing.ts";
import { unembeddingTrouble } from "../../lib/onnx/unembedding.ts";
import { attribute, model, node, value, weight } from "./build.ts";
import { fixture } from "./oracle.ts";

type Bytes = Uint8Array;
const D = 4, VOCAB = 6;

/** Weights that all graphs here use. */
const WEIGHTS: Bytes[] = [
  weight("table", [VOCAB, D], fill(VOCAB * D)),
  weight("w", [D, D], fill(D * D)),
  weight("up", [D, 8], fill(D * 8)),
  weight("down", [8, D], fill(D * 8)),
  weight("packed", [D, 3 * D], fill(3 * D * D)),
  weight("gain", [D], [1, 1, 1, 1]),
  weight("half", [], [0.5]),
  weight("head", [D, VOCAB], fill(VOCAB * D)),
  value(11, "input_ids", 7, ["batch", "sequence"]),
  value(12, "logits", 1),
];

function fill(count: number): number[] {
  return Array.from({ length: count }, (_, i) => ((i * 7) % 11 - 5) / 10);
}

/** A one-line graph: `out = Op(in, in)`. */
function lines(text: string): Bytes[] {
  return text.trim().split("\n").map((line) => {
    const [, outs, op, ins] = /^\s*(.+?) = (\w+)\((.*)\)$/.exec(line)!;
    const names = (list: string) => list === "" ? [] : list.split(",").map((s) => s.trim());
    const extra = op === "MatMulNBits"
      ? [attribute("K", 4), attribute("N", Number(names(ins)[4]))]
      : [];
    return node(op, names(ins).slice(0, op === "MatMulNBits" ? 3 : undefined), names(outs), extra);
  });
}

function parsed(text: string, more: Bytes[] = []) {
  return parseModel(model([...lines(text), ...WEIGHTS, ...more]), "m");
}

/** Attention from `input` to `out`, with softmax. */
const attention = (input: string, out: string) => `
  ${out}.q = MatMul(${input}, w)
  ${out}.k = MatMul(${input}, w)
  ${out}.v = MatMul(${input}, w)
  ${out}.s = MatMul(${out}.q, ${out}.k)
  ${out}.p = Softmax(${out}.s)
  ${out}.z = MatMul(${out}.p, ${out}.v)
  ${out} = MatMul(${out}.z, w)`;
const mlp = (input: string, out: string) => `
  ${out}.h = MatMul(${input}, up)
  ${out}.a = Relu(${out}.h)
  ${out} = MatMul(${out}.a, down)`;

/** Tensors by the name of their hookpoint. */
function tensors(graph: ReturnType<typeof parsed>): Record<string, string> {
  const { hookpoints, trouble } = findHookpoints(graph);
  assert.equal(trouble, undefined);
  return Object.fromEntries(hookpoints.map((p) => [p.name.replace("blocks.", ""), p.tensor]));
}

Deno.test("a block whose one norm feeds attention and MLP has no resid_mid", () => {
  const found = tensors(parsed(`
    x = Gather(table, input_ids)
    n = LayerNormalization(x, gain)${attention("n", "attn")}${mlp("n", "mlp")}
    both = Add(attn, mlp)
    y = Add(both, x)
    f = LayerNormalization(y, gain)
    logits = MatMul(f, head)`));
  assert.deepEqual(found, {
    "0.hook_resid_pre": "x",
    "0.attn.hook_in": "n",
    "0.attn.hook_q": "attn.q",
    "0.attn.hook_k": "attn.k",
    "0.attn.hook_v": "attn.v",
    "0.attn.hook_z": "attn.z",
    "0.hook_attn_out": "attn",
    "0.mlp.hook_in": "n",
    "0.mlp.hook_post": "mlp.a",
    "0.hook_mlp_out": "mlp",
    "0.hook_resid_post": "y",
  });
});

Deno.test("in a post-norm model the norms are the stream, and sublayers read it itself", () => {
  const graph = parsed(`
    e = Gather(table, input_ids)
    x = LayerNormalization(e, gain)${attention("x", "attn")}
    s = Add(attn, x)
    mid = LayerNormalization(s, gain)${mlp("mid", "mlp")}
    t = Add(mlp, mid)
    logits = LayerNormalization(t, gain)`);
  const found = tensors(graph);
  assert.deepEqual(
    ["hook_resid_pre", "attn.hook_in", "hook_attn_out", "hook_resid_mid"].map((n) =>
      found[`0.${n}`]
    ),
    ["x", "x", "attn", "mid"],
  );
  assert.deepEqual(
    ["mlp.hook_in", "hook_mlp_out", "hook_resid_post"].map((n) => found[`0.${n}`]),
    ["mid", "mlp", "logits"],
  );
  assert.match(unembeddingTrouble(graph)!, /is the stream itself/);
  assert.equal(unembedding(graph), undefined);
  assert.match(explainHookpoint(graph, "blocks.0.resid_post").steps.join(" "), /post-norm/);
});

Deno.test("norms inside the branches, a scaled embedding and capped logits (Gemma)", () => {
  const graph = parsed(`
    e = Gather(table, input_ids)
    x = Mul(e, half)
    n = RMSNormalization(x, gain)${attention("n", "raw")}
    attn = RMSNormalization(raw, gain)
    mid = Add(x, attn)
    m = RMSNormalization(mid, gain)${mlp("m", "rawmlp")}
    mlp = RMSNormalization(rawmlp, gain)
    y = Add(mid, mlp)
    f = RMSNormalization(y, gain)
    raw_logits = MatMul(f, head)
    small = Mul(raw_logits, half)
    flat = Tanh(small)
    logits = Mul(flat, half)`);
  const found = tensors(graph);
  assert.equal(found["0.hook_resid_pre"], "x");
  assert.equal(found["0.hook_attn_out"], "attn", "behind its own norm");
  assert.equal(found["0.hook_mlp_out"], "mlp");
  assert.equal(found["0.attn.hook_z"], "raw.z");
  assert.equal(found["0.mlp.hook_in"], "m");
  const readout = unembedding(graph)!;
  assert.deepEqual([readout.vocab, readout.d], [VOCAB, D]);
  assert.equal(readout.weight[1 * D + 2], Math.fround(fill(VOCAB * D)[2 * VOCAB + 1]));
});

Deno.test("a Cast of a norm that the residual Add reads too is seen through", () => {
  // The exporter reuses the norm's leading no-op Cast for the skip (half precision graphs have them everywhere).
  const found = tensors(parsed(`
    e = Gather(table, input_ids)
    x = Cast(e)
    x2 = Cast(x)
    n = RMSNormalization(x2, gain)${attention("n", "attn")}
    a2 = Cast(attn)
    mid = Add(x2, a2)
    mid2 = Cast(mid)
    m = RMSNormalization(mid2, gain)${mlp("m", "mlp")}
    y = Add(mid2, mlp)
    f = RMSNormalization(y, gain)
    logits = MatMul(f, head)`));
  assert.deepEqual(
    ["hook_resid_pre", "hook_attn_out", "hook_resid_mid"].map((n) => found[`0.${n}`]),
    ["e", "attn", "mid"],
  );
});

Deno.test("a stream that is stacked differently on its way is still one (OPT)", () => {
  const found = tensors(parsed(`
    x = Gather(table, input_ids)
    shape = Shape(x)
    n = LayerNormalization(x, gain)${attention("n", "attn")}
    mid = Add(x, attn)
    rows = Reshape(mid, shape)
    m = LayerNormalization(rows, gain)${mlp("m", "mlp")}
    y = Add(rows, mlp)
    stacked = Reshape(y, shape)
    f = LayerNormalization(stacked, gain)
    logits = MatMul(f, head)`));
  assert.deepEqual(
    ["hook_resid_mid", "mlp.hook_in", "hook_mlp_out", "hook_resid_post"].map((n) =>
      found[`0.${n}`]
    ),
    ["mid", "m", "mlp", "y"],
  );
});

Deno.test("dynamic int8: chains of integer products are products, their scales no residual", () => {
  const product = (input: string, w: string, out: string) => `
    ${out}.i, ${out}.sc, ${out}.zp = DynamicQuantizeLinear(${input})
    ${out}.int = MatMulInteger(${out}.i, ${w}, ${out}.zp)
    ${out}.f = Cast(${out}.int)
    ${out}.scale = Mul(${out}.sc, half)
    ${out}.raw = Mul(${out}.f, ${out}.scale)
    ${out} = Add(${out}.raw, ${w === "up" ? "bias8" : "gain"})`;
  const graph = parsed(
    `
    x = Gather(table, input_ids)
    n = LayerNormalization(x, gain)${product("n", "w", "q")}${product("n", "w", "k")}${
      product("n", "w", "v")
    }
    s = MatMul(q, k)
    p = Softmax(s)
    z = MatMul(p, v)${product("z", "w", "attn")}
    mid = Add(x, attn)
    m = LayerNormalization(mid, gain)${product("m", "up", "h")}
    a = Relu(h)${product("a", "down", "mlp")}
    y = Add(mid, mlp)
    f = LayerNormalization(y, gain)${product("f", "head", "last")}
    logits = Identity(last)`,
    [weight("bias8", [8], fill(8))],
  );
  const found = tensors(graph);
  const wanted = { q: "q", k: "k", v: "v", z: "z", post: "a" };
  for (const [hook, tensor] of Object.entries(wanted)) {
    const key = hook === "post" ? "0.mlp.hook_post" : `0.attn.hook_${hook}`;
    assert.equal(found[key], tensor, hook);
  }
  assert.deepEqual([found["0.hook_attn_out"], found["0.hook_mlp_out"]], ["attn", "mlp"]);
  assert.match(unembeddingTrouble(graph)!, /quantised \(MatMulInteger\)/);
});

Deno.test("a fused decoder: packed queries, keys and values are whole in one tensor", () => {
  const graph = parsed(
    `
    x = GatherBlockQuantized(table, input_ids, half)
    n = SimplifiedLayerNormalization(x, gain)
    qkv = MatMulNBits(n, packed, half, _, 12)
    z, pk, pv = GroupQueryAttention(qkv, , , past.k, past.v)
    attn = MatMulNBits(z, w, half, _, 4)
    mid = Add(x, attn)
    m = SimplifiedLayerNormalization(mid, gain)
    gate = MatMulNBits(m, w, half, _, 4)
    up2 = MatMulNBits(m, w, half, _, 4)
    g = Sigmoid(gate)
    a = Mul(g, up2)
    mlp = MatMulNBits(a, w, half, _, 4)
    y = Add(mid, mlp)
    f = SimplifiedLayerNormalization(y, gain)
    logits = MatMulNBits(f, head, half, _, 6)`,
    [value(11, "past.k", 1), value(11, "past.v", 1)],
  );
  const found = tensors(graph);
  assert.equal(found["0.attn.hook_qkv"], "qkv");
  assert.equal(found["0.attn.hook_q"], undefined, "nothing is invented");
  assert.equal(found["0.attn.hook_z"], "z");
  assert.equal(found["0.mlp.hook_post"], "a");
  assert.equal(resolveHookpoint(graph, "blocks.0.qkv").d, 12);
  assert.match(unembeddingTrouble(graph)!, /MatMulNBits/);
  assert.match(explainHookpoint(graph, "blocks.0.attn_out").steps.join(" "), /GroupQueryAttention/);
});

Deno.test("without a stream it says what it saw and where it stopped", () => {
  const graph = parsed(`
    x = Gather(table, input_ids)
    n = LayerNormalization(x, gain)${mlp("n", "one")}
    mid = Add(x, one)
    m = LayerNormalization(mid, gain)${mlp("m", "two")}
    y = Add(mid, two)
    f = LayerNormalization(y, gain)
    logits = MatMul(f, head)`);
  const { trouble } = findHookpoints(graph);
  assert.match(
    trouble!,
    /^the last norm, LayerNormalization, reads "y"; before it are 2 residual Adds \(mlp, mlp\) back to "x"/,
  );
  assert.throws(() => resolveHookpoint(graph, "blocks.0.resid_pre"), SdmError);
  assert.equal(resolveHookpoint(graph, "mid").kind, "raw");
});

Deno.test("short names and patterns mean the canonical hookpoints", async () => {
  const gpt2 = await loadModel(fixture("gpt2.onnx"));
  const pairs = {
    "blocks.1.resid_post": "blocks.1.hook_resid_post",
    "blocks.1.mlp_in": "blocks.1.mlp.hook_in",
    "blocks.1.attn_in": "blocks.1.attn.hook_in",
    "blocks.1.mlp_hidden": "blocks.1.mlp.hook_post",
    "blocks.1.z": "blocks.1.attn.hook_z",
    "blocks.1.attn.q": "blocks.1.attn.hook_q",
    "blocks.1.mlp.post": "blocks.1.mlp.hook_post",
  };
  for (const [short, long] of Object.entries(pairs)) {
    assert.equal(resolveHookpoint(gpt2, short).name, long);
  }
  assert.deepEqual(
    expandHookpoints(gpt2, ["blocks.*.mlp_out"]).map((point) => point.name),
    ["blocks.0.hook_mlp_out", "blocks.1.hook_mlp_out"],
  );
  for (const wrong of ["blocks.1.resid_pots", "blocks.1.hook_mlp_in"]) {
    assert.throws(() => resolveHookpoint(gpt2, wrong), /Cannot find hookpoint/);
  }
});

Deno.test("confidence: structure alone is likely, a second witness makes it certain, one against it a guess", async () => {
  const plain = `
    x = Gather(table, input_ids)
    n = RMSNormalization(x, gain)${attention("n", "attn")}
    mid = Add(x, attn)
    m = RMSNormalization(mid, gain)${mlp("m", "mlp")}
    y = Add(mid, mlp)
    f = RMSNormalization(y, gain)
    logits = MatMul(f, head)`;
  assert.ok(listHookpoints(parsed(plain)).every((point) => point.confidence === "likely"));
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/model.onnx`;
    await Deno.writeFile(path, model([...lines(plain), ...WEIGHTS]));
    for (const [layers, wanted] of [[1, "certain"], [2, "guess"]] as const) {
      await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ n_layer: layers }));
      const points = listHookpoints(await loadModel(path));
      assert.ok(points.every((point) => point.confidence === wanted), wanted);
      assert.match(points[0].evidence.join(), /config\.json: it says/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("shapes and types follow from the inputs where the file declares none", async () => {
  for (const file of ["gpt2", "gpt2_past", "llama", "neox", "qwen3"]) {
    const points = listHookpoints(await loadModel(fixture(`${file}.onnx`)));
    for (const { name, shape, d, dtype, kind } of points) {
      assert.ok(shape && !shape.includes("?"), `${file} ${name} ${shape}`);
      assert.deepEqual(shape.slice(0, 2), ["batch_size", "sequence_length"], `${file} ${name}`);
      const heads = kind === "z" && shape.length === 4;
      assert.equal(
        heads ? Number(shape[2]) * Number(shape[3]) : shape.at(-1),
        d,
        `${file} ${name}`,
      );
      assert.equal(dtype, "float32");
    }
  }
  const half = listHookpoints(await loadModel(fixture("gpt2_f16.onnx")));
  assert.ok(half.every((point) => point.dtype === "float16"));
});

Deno.test("listTensors() lists tensors with what makes them and what they are", async () => {
  const rows = listTensors(await loadModel(fixture("llama.onnx")));
  const row = rows.find((other) => other.tensor === "/model/layers.0/Add_1_output_0")!;
  assert.deepEqual(row, {
    tensor: "/model/layers.0/Add_1_output_0",
    shape: ["batch_size", "sequence_length", 16],
    dtype: "float32",
    op: "Add",
    hookpoints: ["blocks.0.hook_resid_post", "blocks.1.hook_resid_pre"],
  });
  assert.equal(rows.find((other) => other.tensor === "input_ids")!.op, "input");
  assert.ok(rows.some((other) => other.op === "weight"));
});

Deno.test("positions and token types are told apart", () => {
  const graph = parsed(
    `
    e = Gather(table, input_ids)
    t = Gather(types, token_type_ids)
    o = Gather(places, position_ids)
    et = Add(e, t)
    sum = Add(et, o)
    x = LayerNormalization(sum, gain)${attention("x", "attn")}
    s = Add(attn, x)
    mid = LayerNormalization(s, gain)${mlp("mid", "mlp")}
    u = Add(mlp, mid)
    logits = LayerNormalization(u, gain)`,
    [
      weight("types", [2, D], fill(2 * D)),
      weight("places", [5, D], fill(5 * D)),
      value(11, "token_type_ids", 7, ["batch", "sequence"]),
      value(11, "position_ids", 7, ["batch", "sequence"]),
    ],
  );
  assert.deepEqual([vocabSize(graph), contextLimit(graph)], [VOCAB, 5]);
});
