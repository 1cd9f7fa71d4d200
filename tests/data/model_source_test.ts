// Blocks from a model: every kept row once an epoch, pure in (epoch, index), another order in every epoch.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { slicesOf } from "../../lib/data/epoch_order.ts";
import { modelSource } from "../../lib/data/model_source.ts";
import { keptIn, rowPlace, unitOf } from "../../lib/data/rows.ts";
import { sequentialRows } from "../../lib/data/sequential_rows.ts";
import type { Block, HostSource } from "../../lib/data/types.ts";
import {
  activation,
  allRows,
  EOS,
  fakeMaker,
  idsOfAll,
  POINTS,
  rowsOfMatrix,
  sorted,
} from "./_fakes.ts";

const maker = await fakeMaker(2000, 16);

async function epoch(source: HostSource, number: number): Promise<Block[]> {
  const blocks = Math.ceil(source.epochRows / source.blockRows);
  return await Array.fromAsync({ length: blocks }, (_, i) => source.load(number, i));
}

const rowsOf = (blocks: Block[], point: number) =>
  blocks.flatMap((block) => rowsOfMatrix(block.points[point], POINTS[point].d));

Deno.test("an epoch has every kept row once, whatever the block size", async () => {
  const all = POINTS.map((point) => allRows(maker, point));
  for (const blockRows of [64, 100, 5000]) {
    const source = modelSource({ ...maker, seed: 5, blockRows, batchRows: 1 });
    assert.equal(source.epochRows, maker.kept.rows);
    const blocks = await epoch(source, 0);
    POINTS.forEach((_, p) => assert.deepEqual(sorted(rowsOf(blocks, p)), sorted(all[p])));
    for (const block of blocks.slice(0, -1)) assert.equal(block.rows, blockRows);
  }
});

Deno.test("points of one row belong together", async () => {
  const source = modelSource({ ...maker, seed: 5, blockRows: 128, batchRows: 1 });
  const [block] = await epoch(source, 0);
  for (let row = 0; row < block.rows; row++) {
    // Hash, token and position of the row, from both points.
    const first = block.points[0].subarray(6 * row, 6 * row + 3);
    assert.deepEqual([...block.points[1].subarray(4 * row, 4 * row + 3)], [...first]);
  }
});

Deno.test("a block does not depend on what was loaded before, nor on contexts a run", async () => {
  const make = (contextsPerRun: number, seed = 5) =>
    modelSource({ ...maker, contextsPerRun, seed, blockRows: 96, batchRows: 32 });
  const there = await epoch(make(3), 2);
  const source = make(7);
  for (const index of [9, 0, 4, 4, 1]) {
    assert.deepEqual(await source.load(2, index), there[index]);
    await source.load(index, 0);
  }
  assert.notDeepEqual(await make(3, 6).load(2, 0), there[0], "another seed, another order");
});

Deno.test("epochs differ in order and are floored to whole batches", async () => {
  const source = modelSource({ ...maker, seed: 5, blockRows: 96, batchRows: 32 });
  assert.equal(source.epochRows, Math.floor(maker.kept.rows / 32) * 32);
  assert.notEqual(source.epochRows, maker.kept.rows);
  const first = rowsOf(await epoch(source, 0), 0), second = rowsOf(await epoch(source, 1), 0);
  assert.equal(first.length, source.epochRows);
  assert.notDeepEqual(first, second);
  // Contexts are shuffled: the first block is not the start of the text.
  assert.notDeepEqual(first.slice(0, 96), allRows(maker, POINTS[0]).slice(0, 96));
  await assert.rejects(() => source.load(0, 99), RangeError);
});

Deno.test("the manifest's facts count what was dropped", () => {
  const source = modelSource({ ...maker, seed: 5, blockRows: 96, batchRows: 32, facts: { x: 1 } });
  const facts = source.describe() as { dropped: Record<string, unknown>; [key: string]: unknown };
  const separators = [...idsOfAll(maker.tokens)].filter((id, i) => id === EOS && i % 16 > 0).length;
  assert(separators > 10);
  assert.equal(facts.rows, maker.tokens.contexts * 15 - separators);
  assert.equal(facts.x, 1);
  assert.deepEqual(facts.dropped, {
    positions: [0],
    tokens: [EOS],
    first_positions: maker.tokens.contexts,
    token_positions: separators,
    by_token: { "2": separators },
  });
});

Deno.test("NaN and infinities are found, and named by point and place", async () => {
  for (const [value, shown] of [[NaN, "NaN"], [Infinity, "Infinity"], [-Infinity, "-Infinity"]]) {
    const own = await fakeMaker(2000, 16);
    const target = own.tokens.idsOf(40).join();
    own.runner.change = (arrays, ids) => {
      for (let c = 0; c < ids.length / 16; c++) {
        // Position 0 is not kept, so what it holds does not matter.
        arrays[1][c * 16 * 4] = NaN;
        if (ids.slice(16 * c, 16 * c + 16).join() !== target) continue;
        arrays[1][(c * 16 + 5) * 4 + 3] = value as number;
      }
    };
    const source = modelSource({ ...own, seed: 5, blockRows: 5000, batchRows: 1 });
    await assert.rejects(() => source.load(0, 0), (error: unknown) => {
      assert(error instanceof SdmError);
      assert.equal(
        error.message,
        `Cannot use activations of "blocks.1.hook_resid_post": ${shown} in dimension 3 at context 40, ` +
          "position 5, finite numbers are needed",
      );
      return true;
    });
  }
});

Deno.test("a tensor of another width and a text that is too short are refused", async () => {
  const wide = POINTS.map((point) => ({ ...point, d: point.d + 1 }));
  const wrong = modelSource({ ...maker, points: wide, seed: 5, blockRows: 96, batchRows: 32 });
  await assert.rejects(
    () => wrong.load(0, 0),
    /"\/h\.0\/Add_1_output_0" gave 288 values for 48 tokens, 7 a/,
  );
  assert.throws(
    () => modelSource({ ...maker, seed: 5, blockRows: 4096, batchRows: 4096 }),
    /^SdmError: Cannot fill a batch: the text has \d+ rows, one batch needs 4096$/,
  );
});

Deno.test("rows know their places", () => {
  const { tokens, kept } = maker;
  const all = allRows(maker, POINTS[0]);
  for (let row = 0; row < kept.rows; row += 7) {
    const { context, position } = rowPlace(tokens, kept, row);
    const ids = tokens.idsOf(context);
    assert.deepEqual(activation(ids, position, POINTS[0]), all[row]);
    assert(keptIn(ids, kept).includes(position));
  }
  assert.throws(() => rowPlace(tokens, kept, kept.rows), RangeError);
  // Empty units are passed over.
  assert.deepEqual([0, 1, 2, 3].map((row) => unitOf([0, 0, 2, 2, 2, 4, 4], row)), [1, 1, 4, 4]);
  const order = { unitAt: (i: number) => 10 + i, rowStart: [0, 0, 2, 2, 2, 4, 4] };
  assert.deepEqual(slicesOf(order, 1, 2), [{ unit: 11, from: 1, to: 2 }, {
    unit: 14,
    from: 0,
    to: 1,
  }]);
  assert.deepEqual(slicesOf(order, 4, 0), []);
  assert.throws(() => slicesOf(order, 3, 2), RangeError);
});

Deno.test("sequential rows come in text order with their tokens, up to the limit", async () => {
  const all = POINTS.map((point) => allRows(maker, point));
  for (const maxRows of [Infinity, 500, 1]) {
    const rows: number[][][] = [[], []];
    for await (const piece of sequentialRows({ ...maker, maxRows })) {
      piece.points.forEach((values, p) => rows[p].push(...rowsOfMatrix(values, POINTS[p].d)));
      for (let i = 0; i < piece.rows; i++) {
        const ids = maker.tokens.idsOf(piece.context[i]);
        assert.equal(piece.token[i], ids[piece.position[i]]);
        assert.equal(piece.points[0][6 * i + 1], piece.token[i]);
        assert.equal(piece.points[0][6 * i + 2], piece.position[i]);
      }
    }
    POINTS.forEach((_, p) => assert.deepEqual(rows[p], all[p].slice(0, maxRows)));
  }
  const own = await fakeMaker(2000, 16);
  for await (const _ of sequentialRows({ ...own, maxRows: 30 })) { /* counts runs */ }
  assert.equal(own.runner.runs, 1, "the model is not run beyond the limit");
});
