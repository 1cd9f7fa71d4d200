// The bundled model, end to end: text to tokens to activations, streamed and through a store, and in text order.
import assert from "assert";
import { modelSource } from "../../lib/data/model_source.ts";
import { sequentialRows } from "../../lib/data/sequential_rows.ts";
import { estimateScale } from "../../lib/data/norm.ts";
import { shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import { openStore } from "../../lib/data/store_reader.ts";
import { harvestToStore } from "../../lib/data/store_writer.ts";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { loadModel } from "../../lib/onnx/graph.ts";
import { resolveHookpoint } from "../../lib/onnx/hookpoints.ts";
import { spawnRunner } from "../../lib/onnx/remote.ts";
import { openCorpus } from "../../lib/text/corpora.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { packContexts } from "../../lib/text/packing.ts";
import { loadTokenizer } from "../../lib/text/tokenizer.ts";
import { inFolder, rowsOfMatrix } from "./_fakes.ts";

const DEMO = new URL("../../models/demo", import.meta.url).pathname;

Deno.test("streamed, stored and sequential rows of the demo model are the same rows", async () => {
  const tokenizer = await loadTokenizer(`${DEMO}/tokenizer.json`);
  const corpus = openCorpus([`${DEMO}/corpus/heldout.jsonl.gz`]);
  const options = { contextSize: 64, prependBos: true, maxTokens: 72 * 64 };
  const tokens = await packContexts(corpus, tokenizer, options);
  const kept = keptPositions(tokens, { excludeTokens: [...tokenizer.specialIds] });
  assert.equal(tokens.contexts, 72);
  assert(kept.rows > 4096 && kept.rows <= 72 * 63);
  const hookpoint = resolveHookpoint(
    await loadModel(`${DEMO}/model.onnx`),
    "blocks.2.hook_resid_post",
  );
  const { d = 192, name, tensor } = hookpoint;
  const points = [{ name, tensor, d }];
  const runner = await spawnRunner({ model: `${DEMO}/model.onnx`, taps: [tensor], threads: 1 });
  const maker = { tokens, kept, runner, points };
  try {
    const inOrder: number[][] = [];
    for await (const piece of sequentialRows(maker)) {
      inOrder.push(...rowsOfMatrix(piece.points[0], d));
    }
    assert.equal(inOrder.length, kept.rows);
    assert(inOrder.every((row) => row.length === 192 && row.some((value) => value !== 0)));

    // Batches of a model's run may differ in the last bit with the number of contexts in it; rows are the same ones.
    const shuffle = { seed: 1, blockRows: 1024, batchRows: 128 };
    const streamed = shuffledBatches(modelSource({ ...maker, ...shuffle }), shuffle);
    const close = (row: number[], other: number[]) =>
      row.every((value, j) => Math.abs(value - other[j]) <= 1e-4 * (1 + Math.abs(value)));
    for (const row of rowsOfMatrix((await streamed.batch(9)).points[0], d)) {
      assert(inOrder.some((other) => Math.abs(row[0] - other[0]) < 1e-3 && close(row, other)));
    }
    const [{ scale, meanNorm }] = await estimateScale(streamed, { maxRows: 1024 });
    const mean = inOrder.reduce((sum, row) => sum + Math.hypot(...row), 0) / inOrder.length;
    assert(Math.abs(meanNorm / mean - 1) < 0.1, `${meanNorm} ${mean}`);
    assert(Math.abs(scale * meanNorm - Math.sqrt(d)) < 1e-9);

    await inFolder(async (dir) => {
      const result = await harvestToStore({
        ...maker,
        path: dir,
        dtype: "F32",
        shardRows: 4096,
        tool: "sdm test",
        model: { id: "demo" },
        tokenizer: { sha256: tokenizer.sha256 },
        data: { id: "heldout" },
      });
      assert.deepEqual([result.finished, result.shards], [true, 2]);
      const { manifest } = await openStore(dir);
      assert(Math.abs(manifest.norm[name].mean_l2 / mean - 1) < 1e-4);
      for (const shard of manifest.shards) {
        using file = await SafetensorsFile.open(`${dir}/${shard.file}`);
        rowsOfMatrix(await file.readFloat32(`act.${name}`), d).forEach((row, i) => {
          assert(close(row, inOrder[shard.first_row + i]), `${shard.file}, row ${i}`);
        });
      }
    });
  } finally {
    await runner.close();
  }
});
