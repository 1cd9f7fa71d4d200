import assert from "assert";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { createSplicer } from "../../lib/onnx/splice.ts";
import { planSplice } from "../../lib/onnx/splice_plan.ts";
import { spawnSplicer } from "../../lib/onnx/splice_remote.ts";
import type { SplicedRun, Splicer } from "../../lib/onnx/splice_types.ts";
import { model, node, value, weight } from "./build.ts";
import { fixture, relativeError } from "./oracle.ts";

const BATCH = 2, LENGTH = 7;
const IDS = Int32Array.from({ length: BATCH * LENGTH }, (_, i) => (i * 29 + 3) % 64);

/** Log-probabilities of the whole model in float64, one array a position. */
async function logProbs(file: string): Promise<number[][]> {
  const runner = await createRunner({ model: fixture(file), taps: ["logits"], provider: "cpu" });
  const [logits] = await runner.run(IDS, BATCH, LENGTH);
  await runner.close();
  const vocab = logits.length / IDS.length;
  return Array.from(IDS, (_, t) => {
    const row = [...logits.subarray(t * vocab, (t + 1) * vocab)];
    const top = Math.max(...row);
    const sum = Math.log(row.reduce((n, v) => n + Math.exp(v - top), 0)) + top;
    return row.map((v) => v - sum);
  });
}

function nextLosses(rows: readonly number[][]): number[] {
  return rows.map((row, t) => (t + 1) % LENGTH === 0 ? 0 : -row[IDS[t + 1]]);
}

/** Leaves out the last position of every context, which has no next token. */
function withNext(values: ArrayLike<number>): number[] {
  return Array.from(values).filter((_, t) => (t + 1) % LENGTH !== 0);
}

async function withSplicer(
  points: { inputs: string[]; targets: string[]; file?: string; cheapBytes?: number },
  use: (splicer: Splicer) => Promise<void>,
) {
  const { file = "gpt2.onnx", ...names } = points;
  const splicer = await createSplicer({
    ...names,
    model: fixture(file),
    provider: "cpu",
    threads: 1,
  });
  try {
    await use(splicer);
  } finally {
    await splicer.close();
  }
}

Deno.test("losses in the graph are those of the logits, in float16 models too", async () => {
  for (const [file, tolerance] of [["gpt2.onnx", 1e-5], ["gpt2_f16.onnx", 5e-3]] as const) {
    const expected = withNext(nextLosses(await logProbs(file)));
    const points = ["blocks.0.hook_resid_post"];
    await withSplicer({ inputs: points, targets: points, file }, async (splicer) => {
      const { ce } = await splicer.clean(IDS, BATCH, LENGTH);
      const error = relativeError(Float32Array.from(withNext(ce)), Float32Array.from(expected));
      assert.ok(error < tolerance, `${file}: ${error}`);
    });
  }
});

Deno.test("the divergence is Σ p (ln p - ln q) of the whole vocabulary", async () => {
  const clean = await logProbs("gpt2.onnx");
  const points = ["blocks.1.hook_resid_post"];
  await withSplicer({ inputs: points, targets: points }, async (splicer) => {
    const run = await splicer.clean(IDS, BATCH, LENGTH);
    // Contexts changed for each other: the model then predicts what it predicts there.
    const half = run.targets[0].length / 2;
    const turned = new Float32Array(2 * half);
    turned.set(run.targets[0].subarray(half), 0);
    turned.set(run.targets[0].subarray(0, half), half);
    const { kl, ce } = await splicer.replace([turned]);
    clean.forEach((row, t) => {
      const other = clean[(t + LENGTH) % (2 * LENGTH)];
      const expected = row.reduce((sum, p, v) => sum + Math.exp(p) * (p - other[v]), 0);
      assert.ok(Math.abs(kl[t] - expected) < 1e-4 * Math.max(1, expected), `${kl[t]}, ${expected}`);
    });
    const losses = clean.map((_, t) => clean[(t + LENGTH) % (2 * LENGTH)]);
    const error = relativeError(
      Float32Array.from(withNext(ce)),
      Float32Array.from(withNext(nextLosses(losses))),
    );
    assert.ok(error < 1e-4, `${error}`);
  });
});

Deno.test("masked positions keep the model's own values, bit for bit", async () => {
  const points = ["blocks.1.hook_mlp_out"];
  await withSplicer({ inputs: points, targets: points }, async (splicer) => {
    const { targets } = await splicer.clean(IDS, BATCH, LENGTH);
    const mask = Float32Array.from(IDS, (_, t) => t % 3 === 0 ? 1 : 0);
    const mixed = targets[0].slice();
    const d = mixed.length / IDS.length;
    mask.forEach((one, t) => one && mixed.fill(0.5, t * d, (t + 1) * d));
    const byMask = await splicer.replace([new Float32Array(mixed.length).fill(0.5)], mask);
    assert.deepEqual(byMask, await splicer.replace([mixed]));
    const nothing = await splicer.replace([mixed], new Float32Array(IDS.length));
    assert.deepEqual(nothing.kl, new Float32Array(IDS.length));
  });
});

Deno.test("several targets go along the chain, given in any order, with few or many sides", async () => {
  const hooks = (name: string) => [1, 0].map((l) => `blocks.${l}.${name}`);
  const inputs = hooks("mlp.hook_in"), targets = hooks("hook_mlp_out");
  const found: SplicedRun[] = [];
  for (const cheapBytes of [0, 2 ** 20]) {
    await withSplicer({ inputs, targets, cheapBytes, file: "llama.onnx" }, async (splicer) => {
      assert.deepEqual(splicer.inputsInOrder, [false, false], "the order is not that of layers");
      const clean = await splicer.clean(IDS, BATCH, LENGTH);
      const same = await splicer.replace(clean.targets);
      assert.deepEqual(same.ce, clean.ce);
      const zero = new Float32Array(clean.targets[0].length);
      found.push(await splicer.replace([zero, undefined]), await splicer.replace([zero, zero]));
      // With the earlier target as it is, the later one's own value is the clean one.
      assert.deepEqual(await splicer.replace([undefined, clean.targets[1]]), same);
    });
  }
  assert.ok(relativeError(found[0].ce, found[2].ce) < 1e-5, "one");
  assert.ok(relativeError(found[1].ce, found[3].ce) < 1e-5, "both");
  assert.ok(relativeError(found[0].ce, found[1].ce) > 1e-3, "they differ");
});

Deno.test("a tensor of two axes is replaced in its own shape", async () => {
  const whole = await loadModel(fixture("gpt2.onnx"));
  const flat = whole.nodes.filter((n) => n.op === "Gemm").at(-1)!.outputs[0];
  await withSplicer({ inputs: [flat], targets: [flat] }, async (splicer) => {
    const clean = await splicer.clean(IDS, BATCH, LENGTH);
    assert.deepEqual((await splicer.replace(clean.targets)).ce, clean.ce);
    const zero = await splicer.replace([new Float32Array(clean.targets[0].length)]);
    assert.ok(relativeError(zero.ce, clean.ce) > 1e-3);
  });
});

Deno.test("a splicer in a worker gives the same, and its errors", async () => {
  const points = ["blocks.0.hook_resid_post"];
  const options = { model: fixture("gpt2.onnx"), inputs: points, targets: points, threads: 1 };
  const near = await createSplicer({ ...options, provider: "cpu" });
  const far = await spawnSplicer({ ...options, provider: "cpu" });
  const clean = await near.clean(IDS, BATCH, LENGTH);
  assert.deepEqual(await far.clean(IDS, BATCH, LENGTH), clean);
  const zero = [new Float32Array(clean.targets[0].length)];
  assert.deepEqual(await far.replace(zero), await near.replace(zero));
  assert.deepEqual(await far.replaceNext(0, zero[0]), await near.replaceNext(0, zero[0]));
  assert.equal(far.vocab, near.vocab);
  await near.close();
  await far.close();
  const wrong = spawnSplicer({ ...options, inputs: ["blocks.9.hook_resid_post"], provider: "cpu" });
  await assert.rejects(wrong, /Cannot find hookpoint "blocks.9.hook_resid_post"/);
});

Deno.test("the WebAssembly runtime gives the same losses", async () => {
  const points = ["blocks.1.hook_resid_mid"];
  const options = { model: fixture("gpt2.onnx"), inputs: points, targets: points, threads: 1 };
  const native = await createSplicer({ ...options, provider: "cpu" });
  const wasm = await spawnSplicer({ ...options, provider: "wasm" });
  const clean = await native.clean(IDS, BATCH, LENGTH);
  const other = await wasm.clean(IDS, BATCH, LENGTH);
  assert.ok(relativeError(other.ce, clean.ce) < 1e-4);
  const zero = [new Float32Array(clean.targets[0].length)];
  const a = await native.replace(zero), b = await wasm.replace(zero);
  assert.ok(relativeError(b.kl, a.kl) < 1e-4);
  await native.close();
  await wasm.close();
});

const F32 = 1, I64 = 7;

/** A model of an embedding and one product, with outputs of the given name and shape. */
function small(output: string, dims: string[]) {
  return parseModel(
    model([
      node("Gather", ["table", "input_ids"], ["x"]),
      node("MatMul", ["x", "w"], [output]),
      node("Neg", ["x"], ["side"]),
      weight("table", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      weight("w", [2, 4], [1, 0, 0, 1, 0, 1, 1, 0]),
      value(11, "input_ids", I64, ["b", "s"]),
      value(12, output, F32, dims),
    ]),
    "small",
  );
}

Deno.test("models without logits of every position are refused with the reason", () => {
  const plan = (output: string, dims: string[], targets = ["x"]) =>
    planSplice(small(output, dims), { inputs: ["x"], targets });
  assert.throws(
    () => plan("last_hidden_state", ["b", "s", "d"]),
    /Cannot measure next-token losses of "small": its output is "last_hidden_state", "logits" is needed/,
  );
  assert.throws(() => plan("logits", ["b", "v"]), /its logits have 2 axes/);
  assert.throws(() => plan("logits", ["b", "s", "v"], ["side"]), /do not depend on it/);
  assert.throws(() => plan("logits", ["b", "s", "v"], ["x", "x"]), /two of them are one tensor/);
  assert.equal(plan("logits", ["b", "s", "v"]).parts.length, 2);
});
