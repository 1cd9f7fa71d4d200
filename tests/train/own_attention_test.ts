import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import type { ModelConfig, ResolvedConfig } from "../../lib/config/types.ts";
import { ownAttention } from "../../lib/train/own_attention.ts";

const onnx = decodeURIComponent(new URL("../../models/demo/model.onnx", import.meta.url).pathname);

/** All that is read of a configuration. */
function configOf(model: Partial<ModelConfig>): ResolvedConfig {
  return { model: { provider: "cpu", onnx, ...model } } as ResolvedConfig;
}

Deno.test("ownAttention() is that between the two hookpoints of a configuration", async () => {
  const found = await ownAttention(configOf({
    hookpoint: "blocks.2.attn.hook_in",
    hookpoint_out: "blocks.2.hook_attn_out",
  }));
  assert.deepEqual([found.heads, found.width, found.dIn, found.dOut], [6, 32, 192, 192]);
  const other = await ownAttention(configOf({
    hookpoint: "blocks.1.attn.hook_in",
    hookpoint_out: "blocks.1.hook_attn_out",
  }));
  assert.notDeepEqual(other.q, found.q);
});

Deno.test("ownAttention() refuses hookpoints that no attention lies between", async () => {
  const attempt = (model: Partial<ModelConfig>, message: RegExp) =>
    assert.rejects(
      ownAttention(configOf(model)),
      (error) => error instanceof SdmError && message.test(error.message) && !!error.hint,
    );
  const [hookpoint, written] = ["blocks.2.attn.hook_in", "blocks.2.hook_attn_out"];
  await attempt(
    { hookpoint: "blocks.1.attn.hook_in", hookpoint_out: written },
    /"blocks.2.hook_attn_out" is made of ".*h.2\/ln_1.*", model.hookpoint ".*" reads ".*h.1\/ln_1/,
  );
  await attempt({ hookpoint, hookpoint_out: "blocks.2.hook_mlp_out" }, /no such attention leads/);
  await attempt({ hookpoint }, /model.onnx, model.hookpoint and model.hookpoint_out are needed/);
  await attempt({ onnx: undefined, hookpoint, hookpoint_out: written }, /model.onnx, /);
});
