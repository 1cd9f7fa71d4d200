import assert from "assert";
import { loadModel } from "../../lib/onnx/graph.ts";
import { listHookpoints } from "../../lib/onnx/hookpoints.ts";
import { spawnRunner } from "../../lib/onnx/remote.ts";
import { createRunner, type RunnerOptions } from "../../lib/onnx/runner.ts";
import type { ModelRunner } from "../../lib/onnx/types.ts";
import { fixture, loadOracle, relativeError } from "./oracle.ts";

type Start = (options: RunnerOptions) => Promise<ModelRunner>;

/** Taps every hookpoint of a fixture and the logits, and compares each with PyTorch. */
async function compare(
  file: string,
  stem: string,
  provider: RunnerOptions["provider"],
  tolerance = 1e-4,
  start: Start = createRunner,
) {
  const oracle = await loadOracle(stem);
  const taps = [...oracle.arrays.keys()];
  const names = listHookpoints(await loadModel(fixture(file))).map((point) => point.name);
  assert.deepEqual([...names, "logits"].sort(), taps.toSorted(), "hookpoints and PyTorch hooks");
  const runner = await start({ model: fixture(file), taps, provider });
  try {
    if (provider !== "auto") assert.equal(runner.provider, provider);
    const results = await runner.run(oracle.ids, oracle.batch, oracle.length);
    for (const [i, tap] of taps.entries()) {
      assert.ok(results[i] instanceof Float32Array, tap);
      const error = relativeError(results[i], oracle.arrays.get(tap)!);
      assert.ok(error <= tolerance, `${tap}: relative error ${error}`);
    }
  } finally {
    await runner.close();
  }
}

Deno.test("cpu gives PyTorch's activations at every hookpoint of GPT-2", async () => {
  await compare("gpt2.onnx", "gpt2", "cpu");
});

Deno.test("cpu gives PyTorch's activations with empty caches as inputs", async () => {
  await compare("gpt2_past.onnx", "gpt2", "cpu");
});

Deno.test("cpu gives PyTorch's activations where layer norm is spelled out", async () => {
  await compare("gpt2_opset14.onnx", "gpt2", "cpu");
});

Deno.test("cpu gives float32 from a half-precision graph", async () => {
  await compare("gpt2_f16.onnx", "gpt2", "cpu", 5e-3);
});

Deno.test("cpu reads weights from the data file beside the model", async () => {
  await compare("gpt2_external.onnx", "gpt2", "cpu");
});

Deno.test("cpu gives PyTorch's activations of a Llama", async () => {
  await compare("llama.onnx", "llama", "cpu");
});

Deno.test("cpu gives PyTorch's activations of a parallel-residual model", async () => {
  await compare("neox.onnx", "neox", "cpu");
});

Deno.test("wasm gives PyTorch's activations, on this thread and in a worker", async () => {
  await compare("gpt2.onnx", "gpt2", "wasm");
  await compare("gpt2_f16.onnx", "gpt2", "wasm", 5e-3);
  await compare("gpt2_external.onnx", "gpt2", "wasm");
  await compare("gpt2_past.onnx", "gpt2", "wasm", 1e-4, spawnRunner);
});

Deno.test("auto in a worker takes the native library and gives PyTorch's activations", async () => {
  await compare("gpt2.onnx", "gpt2", "auto", 1e-4, spawnRunner);
});
