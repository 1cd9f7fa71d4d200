import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { listHookpoints } from "../../lib/onnx/hookpoints.ts";
import { spawnRunner } from "../../lib/onnx/remote.ts";
import { createRunner, type RunnerOptions } from "../../lib/onnx/runner.ts";
import type { ModelRunner } from "../../lib/onnx/types.ts";
import { attribute, model, node, value } from "./build.ts";
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
  // The fixtures' oracles hold no queries, keys and values; those of zoo_test.ts do.
  const hooked = names.filter((name) => !/hook_(q|k|v|qkv)$/.test(name));
  assert.deepEqual([...hooked, "logits"].sort(), taps.toSorted(), "hookpoints and PyTorch hooks");
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

Deno.test("spawnRunner() answers in the order of the calls and ends with close()", async () => {
  const oracle = await loadOracle("gpt2");
  const tap = "blocks.0.hook_resid_pre";
  const runner = await spawnRunner({ model: fixture("gpt2.onnx"), taps: [tap], provider: "cpu" });
  const order: number[] = [];
  const runs = [0, 1, 2].map(async (i) => {
    const [array] = await runner.run(oracle.ids, oracle.batch, oracle.length);
    order.push(i);
    return array;
  });
  const closing = runner.close();
  for (const array of await Promise.all(runs)) {
    assert.ok(relativeError(array, oracle.arrays.get(tap)!) < 1e-4);
  }
  await closing;
  assert.deepEqual(order, [0, 1, 2]);
  assert.equal(oracle.ids.length, 14, "the ids are still the caller's");
  await assert.rejects(runner.run(oracle.ids, 2, 7), /it was closed/);
});

Deno.test("createRunner() and spawnRunner() refuse bad input with the same sentence", async () => {
  const cases: [RunnerOptions, RegExp][] = [
    [{ model: "nowhere.onnx", taps: ["x"] }, /^Cannot read ONNX model "nowhere.onnx": there is no/],
    [{ model: fixture("gpt2.onnx"), taps: ["blocks.7.hook_mlp_out"] }, /did you mean "blocks\.\d/],
    [{ model: fixture("gpt2.onnx"), taps: [] }, /no taps, at least one is needed/],
  ];
  for (const [options, wanted] of cases) {
    const messages: string[] = [];
    for (const start of [createRunner, spawnRunner]) {
      await assert.rejects(start({ provider: "cpu", ...options }), (error: unknown) => {
        assert.ok(error instanceof SdmError);
        assert.equal(error.exitCode, 2);
        assert.match(error.message, wanted);
        messages.push(error.message + error.hint);
        return true;
      });
    }
    assert.equal(messages[0], messages[1]);
  }
});

Deno.test("createRunner() names an input that it cannot make", async () => {
  const bytes = model([
    node("Cast", ["input_ids"], ["x"], [attribute("to", 1)]),
    node("Add", ["x", "pixel_values"], ["logits"]),
    value(11, "input_ids", 7, ["b", "s"]),
    value(11, "pixel_values", 1, ["b", "s"]),
    value(12, "logits", 1),
  ]);
  const parsed = parseModel(bytes, "m");
  await assert.rejects(
    createRunner({ model: parsed, taps: ["logits"], provider: "cpu" }),
    /it wants an input "pixel_values"/,
  );
  const runner = await createRunner({ model: parsed, taps: ["x"], provider: "cpu" });
  const [x] = await runner.run(Int32Array.of(4, 2), 2, 1);
  await runner.close();
  assert.deepEqual([...x], [4, 2], "an input that the tap does not need is not asked for");
});

Deno.test("a runner reports ids and contexts that do not fit, and stays usable", async () => {
  const runner = await createRunner({
    model: fixture("gpt2.onnx"),
    taps: ["blocks.0.hook_resid_pre"],
    provider: "cpu",
  });
  await assert.rejects(runner.run(Int32Array.of(0, 64), 1, 2), /token id 64, it has ids 0 to 63/);
  await assert.rejects(runner.run(Int32Array.of(-1), 1, 1), /token id -1/);
  await assert.rejects(
    runner.run(new Int32Array(33), 1, 33),
    /contexts of 33 tokens, it takes at most 32/,
  );
  await assert.rejects(runner.run(Int32Array.of(1, 2, 3), 2, 2), RangeError);
  const [row] = await runner.run(Int32Array.of(63), 1, 1);
  assert.equal(row.length, 16);
  await runner.close();
  const fixed = parseModel(
    model([
      node("Cast", ["input_ids"], ["x"], [attribute("to", 1)]),
      value(11, "input_ids", 7, [1, 8]),
      value(12, "x", 1),
    ]),
    "m",
  );
  const narrow = await createRunner({ model: fixed, taps: ["x"], provider: "cpu" });
  await assert.rejects(narrow.run(Int32Array.of(1, 2), 1, 2), /shape \[1, 8\], \[1, 2\] is needed/);
  await narrow.close();
});

Deno.test("createRunner() reports a data file that is missing or cut", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/gpt2_external.onnx`;
    await Deno.copyFile(fixture("gpt2_external.onnx"), path);
    const start = () => createRunner({ model: path, taps: ["logits"], provider: "cpu" });
    await assert.rejects(start(), /there is no file ".*gpt2_external\.onnx_data"/);
    const data = await Deno.readFile(fixture("gpt2_external.onnx_data"));
    await Deno.writeFile(`${path}_data`, data.subarray(0, 5000));
    await assert.rejects(start(), (error: unknown) => {
      assert.ok(error instanceof SdmError);
      assert.match(
        error.message,
        /tensor "[\w.]+" ends at byte \d+ of ".*_data", which has 5000 bytes$/,
      );
      return true;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("wasm takes its files from another folder when told where", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const file of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs"]) {
      await Deno.copyFile(
        new URL(import.meta.resolve(`onnxruntime-web/${file}`)),
        `${folder}/${file}`,
      );
    }
    const oracle = await loadOracle("gpt2");
    const tap = "blocks.1.hook_attn_out";
    const runner = await spawnRunner({
      model: fixture("gpt2.onnx"),
      taps: [tap],
      provider: "wasm",
      wasmPaths: `file://${folder}/`,
    });
    const [array] = await runner.run(oracle.ids, oracle.batch, oracle.length);
    await runner.close();
    assert.ok(relativeError(array, oracle.arrays.get(tap)!) < 1e-4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a wasm session leaves the global Worker alone", async () => {
  const before = globalThis.Worker;
  const runner = await createRunner({
    model: fixture("gpt2.onnx"),
    taps: ["blocks.0.hook_resid_pre"],
    provider: "wasm",
  });
  await runner.close();
  assert.equal(globalThis.Worker, before);
});

Deno.test("webgpu in a worker gives PyTorch's activations", async () => {
  await compare("gpt2.onnx", "gpt2", "webgpu", 1e-4, spawnRunner);
});
