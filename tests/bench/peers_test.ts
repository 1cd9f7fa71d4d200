import assert from "assert";
import { peerCases, tinyCases } from "../../bench/peers/cases.ts";
import { taskData } from "../../bench/peers/data.ts";
import { TextLineStream } from "../../bench/peers/lines.ts";
import { chosenCases, lossDifference, ratiosOf } from "../../bench/peers/main.ts";
import { optionsOf } from "../../bench/peers/options.ts";
import { peersMarkdown, peersText } from "../../bench/peers/tables.ts";
import type { PeerResult, PeerRun } from "../../bench/peers/types.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { familyOf } from "../../lib/models/mod.ts";

Deno.test("lossDifference() is the largest relative one, and nothing to rely on when a loss is missing", () => {
  assert.ok(Math.abs(lossDifference([1, 2.2, 3], [1, 2, 3]) - 0.1) < 1e-12);
  assert.ok(Number.isNaN(lossDifference([1, 2], [1])));
  assert.ok(Number.isNaN(lossDifference([], [])));
});

Deno.test("ratiosOf() is the ratio of medians, with the range of neighbouring turns", () => {
  const { ratio, range } = ratiosOf([10, 20, 10], [30, 30, 50]);
  assert.equal(ratio, 3);
  assert.deepEqual(range, [1.5, 5]);
});

Deno.test("TextLineStream gives whole lines, wherever the pieces are cut", async () => {
  const lines: string[] = [];
  const pieces = ReadableStream.from(['{"a"', ":1}\n{", "}\n", "rest"]);
  for await (const line of pieces.pipeThrough(new TextLineStream())) lines.push(line);
  assert.deepEqual(lines, ['{"a":1}', "{}"]);
});

Deno.test("every tiny case has first values of all parameters of its model, and rows for all points", async () => {
  const gpu = await openGpu();
  try {
    for (const given of tinyCases()) {
      const model = familyOf(given.type).build(gpu, optionsOf(given));
      const { weights, points } = taskData(given);
      const name = `${given.peer} ${given.method}`;
      for (const { name: parameter, value } of model.parameters) {
        const count = value.rows * value.cols;
        assert.equal(weights.get(parameter)?.values.length, count, `${name}: ${parameter}`);
      }
      assert.equal(weights.size, model.parameters.length, name);
      assert.equal(points.length, model.inputs.length, name);
      const { rows, d } = given.shape;
      assert.ok(
        points.every((b) => b.every((x) => x.length === rows * d && x.every(Number.isFinite))),
      );
    }
  } finally {
    gpu.close();
  }
});

Deno.test("the comparison has every peer and method at the size that users have", () => {
  const wide = peerCases().filter((c) => c.shape.d === 768);
  const names = new Set(wide.map((c) => `${c.peer} ${c.method}`));
  for (const peer of ["sae_lens", "dictionary_learning", "sparsify", "overcomplete"]) {
    assert.ok(names.has(`${peer} topk`), peer);
  }
  const tiny = new Set(tinyCases().map((c) => `${c.peer} ${c.method}`));
  for (const { peer, method } of peerCases()) {
    assert.ok(tiny.has(`${peer} ${method}`), `${peer} ${method} is not tried at the smallest size`);
  }
});

Deno.test("chosenCases() takes what fits every kind of word, and says what it does not know", () => {
  const chosen = chosenCases(peerCases(), ["topk", "batchtopk", "sae_lens", "demo"]);
  const names = chosen.map((c) => `${c.peer} ${c.method} ${c.shape.d}`);
  assert.deepEqual(names, ["sae_lens topk 192", "sae_lens batchtopk 192"]);
  assert.equal(chosenCases(peerCases(), []).length, peerCases().length);
  assert.throws(() => chosenCases(peerCases(), ["sae-lens"]), /Cannot compare "sae-lens"/);
});

function result(difference: number): PeerResult {
  return {
    peer: "p 1.0",
    torch: "2",
    threads: 2,
    method: "topk",
    shape: { rows: 100, d: 4, latents: 16, k: 2 },
    steps: 1,
    ourMs: [10],
    theirMs: [25],
    ...ratiosOf([10], [25]),
    cpuRatio: 1.25,
    losses: { count: 3, difference, tolerance: 1e-3 },
  };
}

Deno.test("the tables say how fast, how equal, and what did not run", () => {
  assert.match(
    peersText([result(2e-7)]),
    /p 1\.0 +topk .* 10 +25 +10 k +2\.50 +2\.50–2\.50 +1\.25 +2e-7 in 3/,
  );
  assert.match(peersText([result(2e-2)]), /2e-2 in 3 steps \(TOO MUCH\)/);
  const machine = {
    adapter: "a",
    software: true,
    limits: {},
    cores: 2,
    system: "s",
    deno: "2",
    date: "2026-01-02T00:00:00Z",
    load: [0, 0],
    method: "m",
  } satisfies PeerRun["machine"];
  const troubles = [{ peer: "x", method: "clt", reason: "no module" }];
  const page = peersMarkdown({ version: 1, machine, results: [result(0)], troubles });
  assert.match(page, /PyTorch 2 with 2\sthreads.*\| p 1\.0 .*Not run: x, clt: no module/s);
});
