// Batches of whole contexts: every context once an epoch, in order inside, from text and from a store, with a mask of
// the rows that count.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { countedOnly } from "../../lib/data/counted.ts";
import { modelSource } from "../../lib/data/model_source.ts";
import { estimateScale } from "../../lib/data/norm.ts";
import { shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import { openStore } from "../../lib/data/store_reader.ts";
import { storeSource } from "../../lib/data/store_source.ts";
import { harvestToStore } from "../../lib/data/store_writer.ts";
import type { Batch, BatchSource } from "../../lib/data/types.ts";
import { wholeContexts } from "../../lib/data/whole_contexts.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { EOS, fakeMaker, fakeRunner, inFolder, POINTS, rowsOfMatrix } from "./_fakes.ts";

const SIZE = 12;

async function wholeMaker(tokens = 12 * 700) {
  const maker = await fakeMaker(tokens, SIZE);
  return {
    ...maker,
    kept: keptPositions(maker.tokens, { dropFirst: false }),
    counted: maker.kept,
  };
}

const maker = await wholeMaker();
const SHAPE = { seed: 4, blockRows: 8 * SIZE, batchRows: 2 * SIZE };

/** Contexts of batches as the ids that the fake model wrote into its activations, each with its mask. */
function contextsOf(batches: Batch[]): { ids: string; mask: string }[] {
  return batches.flatMap(({ points, mask, rows }) =>
    Array.from({ length: rows / SIZE }, (_, c) => {
      const own = rowsOfMatrix(points[0].subarray(c * SIZE * 6, (c + 1) * SIZE * 6), 6);
      own.forEach((row, i) => assert.equal(row[2], i, "positions of a context are in order"));
      const other = rowsOfMatrix(points[1].subarray(c * SIZE * 4, (c + 1) * SIZE * 4), 4);
      own.forEach((row, i) => assert.deepEqual(other[i].slice(0, 3), row.slice(0, 3)));
      return {
        ids: own.map((row) => row[1]).join(),
        mask: mask!.subarray(c * SIZE, (c + 1) * SIZE).join(""),
      };
    })
  );
}

/** The contexts of the text with the mask that the house's rule gives: no first position, no separator. */
const EXPECTED = Array.from({ length: maker.tokens.contexts }, (_, c) => {
  const ids = [...maker.tokens.idsOf(c)];
  return { ids: ids.join(), mask: ids.map((id, i) => i > 0 && id !== EOS ? 1 : 0).join("") };
});

const steps = (source: BatchSource, count: number, from = 0): Promise<Batch[]> =>
  Array.fromAsync({ length: count }, (_, i) => source.batch(from + i));

const sortedBy = (contexts: { ids: string; mask: string }[]) =>
  contexts.map(({ ids, mask }) => `${ids} ${mask}`).sort();

async function checkSource(make: () => Promise<BatchSource & { batchesPerEpoch: number }>) {
  const source = await make();
  const { batchesPerEpoch } = source;
  assert.equal(batchesPerEpoch, EXPECTED.length / 2);
  const whole = await steps(source, 2 * batchesPerEpoch);
  assert.ok(whole.every((batch) => batch.rows === 2 * SIZE && batch.mask!.length === 2 * SIZE));
  const first = contextsOf(whole.slice(0, batchesPerEpoch));
  const second = contextsOf(whole.slice(batchesPerEpoch));
  for (const epoch of [first, second]) {
    assert.deepEqual(sortedBy(epoch), sortedBy(EXPECTED));
  }
  assert.notDeepEqual(first, second, "another order in every epoch");
  assert.notDeepEqual(first.slice(0, 8), EXPECTED.slice(0, 8), "contexts are shuffled");
  // A resumed run sees what an uninterrupted one would have seen.
  const again = await make();
  for (const step of [batchesPerEpoch + 3, 0, 5]) {
    assert.deepEqual(await again.batch(step), whole[step]);
  }
}

Deno.test("contexts of the text are many and different, so that these tests tell them apart", () => {
  assert.equal(EXPECTED.length, 700);
  assert.ok(new Set(EXPECTED.map(({ ids }) => ids)).size > 600);
  assert.ok(EXPECTED.some(({ mask }) => mask.slice(1).includes("0")));
});

Deno.test("from a model: every context once an epoch, whole, with its mask", () =>
  checkSource(() =>
    Promise.resolve(
      shuffledBatches(modelSource({ ...maker, ...SHAPE, sequences: true }), SHAPE),
    )
  ));

Deno.test("from a store: the same, though its shards end within contexts", () =>
  inFolder(async (dir) => {
    const store = { tool: "t", model: {}, tokenizer: { special_ids: [EOS] }, data: { id: "x" } };
    await harvestToStore({ ...maker, ...store, path: dir, dtype: "F32", shardRows: 4096 });
    const open = await openStore(dir);
    assert.equal(open.manifest.shards.length, 3);
    assert.notEqual(open.manifest.shards[1].first_row % SIZE, 0);
    const sequences = { dropFirst: true, excludeTokens: "special" } as const;
    await checkSource(async () =>
      shuffledBatches(await storeSource(open, { ...SHAPE, sequences }), SHAPE)
    );
    const listed = await storeSource(open, {
      ...SHAPE,
      sequences: { dropFirst: false, excludeTokens: [] },
    });
    const block = await listed.load(0, 0);
    assert.ok(block.mask!.every((one) => one === 1), "all rows count where none is left out");
    assert.equal((await storeSource(open, SHAPE)).unitRows, 1);
    assert.equal((await (await storeSource(open, SHAPE)).load(0, 0)).mask, undefined);
    await assert.rejects(
      () => storeSource(open, { ...SHAPE, batchRows: 16, blockRows: 96, sequences }),
      /^SdmError: Cannot make batches of 16 rows from contexts of 12 tokens: whole contexts are/,
    );
    const shuffled = { path: dir, manifest: { ...open.manifest, order: "shuffled" as const } };
    assert.throws(() => wholeContexts(shuffled, sequences), /not in text order/);
    const unlisted = { path: dir, manifest: { ...open.manifest, tokenizer: {} } };
    assert.throws(() => wholeContexts(unlisted, sequences), (error: unknown) => {
      assert.ok(error instanceof SdmError && error.hint!.includes("data.exclude_tokens"));
      return /does not list them, their ids are needed$/.test(error.message);
    });
    // A manifest that says too little of what was dropped does not make rows of other contexts into one.
    const shifted = { path: dir, manifest: { ...open.manifest, data: { ctx_len: 4 } } };
    const wrong = await storeSource(shifted, { ...SHAPE, sequences });
    await assert.rejects(
      () => wrong.load(0, 0),
      /is position \d of its context, position \d is need/,
    );
  }));

Deno.test("a store of rows with dropped positions cannot give whole contexts, and says so", () =>
  inFolder(async (dir) => {
    const part = await fakeMaker(3000, SIZE);
    const facts = { tool: "t", model: {}, tokenizer: {}, data: { id: "x" } };
    await harvestToStore({ ...part, ...facts, path: dir });
    const options = { ...SHAPE, sequences: { dropFirst: true, excludeTokens: [] } };
    await assert.rejects(() => storeSource(dir, options), (error: unknown) => {
      assert.ok(error instanceof SdmError);
      assert.equal(
        error.message,
        `Cannot read whole contexts from activation store "${dir}": it was harvested without ` +
          "positions 0 and 1 special or excluded tokens, all positions of all contexts are needed",
      );
      assert.match(error.hint!, /--no-drop-first --exclude-tokens \[\]/);
      return true;
    });
  }));

Deno.test("a source of whole contexts refuses rows that are not all there, and batches that cut", async () => {
  const dropped = await fakeMaker(2000, SIZE);
  assert.throws(() => modelSource({ ...dropped, ...SHAPE, sequences: true }), RangeError);
  assert.throws(
    () => modelSource({ ...maker, ...SHAPE, batchRows: 18, blockRows: 72, sequences: true }),
    /^SdmError: Cannot make batches of 18 rows from contexts of 12 tokens/,
  );
});

Deno.test("rows that do not count do not move the scale", async () => {
  const make = () => shuffledBatches(modelSource({ ...maker, ...SHAPE, sequences: true }), SHAPE);
  const [{ meanNorm, rows }] = await estimateScale(make(), { maxRows: 240 });
  const batches = await steps(make(), 10);
  const counted = batches.flatMap(({ points, mask }) =>
    rowsOfMatrix(points[0], 6).filter((_, i) => mask![i] === 1)
  );
  assert.ok(rows < 240 && rows === counted.length);
  const mean = counted.reduce((sum, row) => sum + Math.hypot(...row), 0) / rows;
  assert.ok(Math.abs(meanNorm / mean - 1) < 1e-12);
  const [first] = batches;
  assert.equal(countedOnly(first, POINTS).points[1].length, 4 * countedOnly(first, POINTS).rows);
  const all = { ...first, mask: new Float32Array(24).fill(1) };
  assert.equal(countedOnly(all, POINTS), all);
});

Deno.test("without whole contexts there is no mask, and rows come as they always did", async () => {
  const part = await fakeMaker(2000, SIZE);
  const plain = shuffledBatches(modelSource({ ...part, ...SHAPE }), SHAPE);
  const batch = await plain.batch(3);
  assert.ok(!("mask" in batch));
  const runner = fakeRunner();
  const same = shuffledBatches(modelSource({ ...part, runner, ...SHAPE, sequences: false }), SHAPE);
  assert.deepEqual(await same.batch(3), batch);
  assert.equal(POINTS.length, batch.points.length);
});
