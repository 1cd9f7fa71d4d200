import assert from "assert";
import { createRunner } from "../../lib/onnx/runner.ts";

Deno.test("the native runtime is told not to report its use", async () => {
  const model = new URL("../../models/demo/model.onnx", import.meta.url).pathname;
  const runner = await createRunner({
    model,
    taps: ["blocks.0.hook_resid_post"],
    provider: "cpu",
  });
  await runner.run(Int32Array.of(1, 2, 3), 1, 3);
  await runner.close();
  assert.equal(Deno.env.get("ORT_DISABLE_TELEMETRY"), "1");
  // Where reporting is on, the library makes this file as it loads.
  const log = `${Deno.env.get("TMPDIR") ?? "/tmp"}/mat-debug-${Deno.pid}.log`;
  assert.throws(() => Deno.statSync(log), Deno.errors.NotFound);
});
