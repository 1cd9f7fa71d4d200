import assert from "assert";
import { sdm } from "./_sdm.ts";

const MODEL = "models/demo/model.onnx";

Deno.test("hooks prints a table with shape, type and confidence", async () => {
  const { code, out } = await sdm(["hooks", MODEL]);
  assert.equal(code, 0);
  assert.match(out, /^hookpoint +tensor +shape +dtype +confidence$/m);
  assert.match(
    out,
    /^blocks\.2\.hook_resid_post +\/transformer\/h\.2\/Add_1_output_0 +batch_size x sequence_length x 192 +float32 +certain$/m,
  );
  assert.match(out, /^blocks\.2\.attn\.hook_q +\/transformer\/h\.2\/attn\/Split_output_0 /m);
});

Deno.test("hooks --why takes short names and raw tensors, and tells the way step by step", async () => {
  const told = await sdm(["hooks", MODEL, "--why", "blocks.3.resid_post"]);
  assert.equal(told.code, 0, told.err);
  assert.match(told.out, /^blocks\.3\.hook_resid_post +\/transformer\/h\.3\/Add_1_output_0\n/);
  assert.match(told.out, /\n 1\. Output "logits" leads back to the norm LayerNormalization /);
  assert.match(told.out, /Residual Add 8 of 8 makes "\/transformer\/h\.3\/Add_1_output_0"/);
  assert.match(told.out, /Norms of it: LayerNormalization "\/transformer\/ln_f\//);
  const raw = await sdm(["hooks", MODEL, "--why", "/transformer/h.0/Add_output_0", "--json"]);
  const { point, steps } = JSON.parse(raw.out);
  assert.equal(point.kind, "raw");
  assert.ok(steps.includes("It is blocks.0.hook_resid_mid."));
  const wrong = await sdm(["hooks", MODEL, "--why", "blocks.9.resid_post"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /Cannot find hookpoint "blocks.9.resid_post"/);
});

Deno.test("hooks --check measures, --all lists every tensor", async () => {
  const { code, out } = await sdm(["hooks", MODEL, "--check", "--all", "--json"]);
  assert.equal(code, 0);
  const { check, hookpoints, tensors } = JSON.parse(out);
  assert.equal(check.passed, true);
  assert.equal(check.causal, true);
  const post = hookpoints.find((p: { name: string }) => p.name === "blocks.1.hook_resid_post");
  assert.equal(post.confidence, "measured");
  const row = tensors.find((t: { tensor: string }) => t.tensor === "/transformer/h.0/Add_output_0");
  assert.deepEqual(row.hookpoints, ["blocks.0.hook_resid_mid"]);
  assert.deepEqual([row.op, row.dtype], ["Add", "float32"]);
  const text = await sdm(["hooks", MODEL, "--check"]);
  assert.match(text.out, /all \d+ tests passed; no position depends on later tokens/);
});
