// Batches: pure in (source, seed, step), no row lost or repeated within an epoch, one block read ahead.
import assert from "assert";
import { modelSource } from "../../lib/data/model_source.ts";
import { estimateScale, scaleFromNorm } from "../../lib/data/norm.ts";
import { shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import type { Batch, BatchSource, Block, BlockSource } from "../../lib/data/types.ts";
import { allRows, fakeMaker, POINTS, rowsOfMatrix, sorted } from "./_fakes.ts";

/** A source whose row i of an epoch holds [epoch, i]. */
function countingSource(epochRows: number, blockRows: number, wait?: () => Promise<void>) {
  const loads: string[] = [];
  const source: BlockSource & { loads: string[]; failOn?: string } = {
    points: [{ name: "p", tensor: "t", d: 2 }],
    blockRows,
    epochRows,
    loads,
    describe: () => ({ source: "counting" }),
    async load(epoch: number, index: number): Promise<Block> {
      loads.push(`${epoch}.${index}`);
      await wait?.();
      if (source.failOn === `${epoch}.${index}`) throw new Error("disk");
      const rows = Math.min(blockRows, epochRows - index * blockRows);
      assert(rows > 0, "a block beyond the epoch was asked for");
      const values = new Float32Array(2 * rows);
      for (let i = 0; i < rows; i++) values.set([epoch, index * blockRows + i], 2 * i);
      return { rows, points: [values] };
    },
    close: () => Promise.resolve(),
  };
  return source;
}

const steps = (source: BatchSource, count: number, from = 0): Promise<Batch[]> =>
  Array.fromAsync({ length: count }, (_, i) => source.batch(from + i));

Deno.test("an epoch has every row once; only what does not fill the last batch is left out", async () => {
  for (const [epochRows, used] of [[96, 96], [80, 80], [93, 88], [70, 64]]) {
    const source = shuffledBatches(countingSource(epochRows, 32), { batchRows: 8, seed: 1 });
    assert.equal(source.batchesPerEpoch, used / 8);
    const seen = (await steps(source, 3 * used / 8)).flatMap((b) => rowsOfMatrix(b.points[0], 2));
    for (let epoch = 0; epoch < 3; epoch++) {
      const own = seen.slice(epoch * used, (epoch + 1) * used);
      assert(own.every(([e]) => e === epoch));
      const rows = own.map(([, i]) => i);
      assert.equal(new Set(rows).size, used, "no row twice");
      // Whole blocks are used whole.
      const whole = Math.floor(used / 32) * 32;
      assert.deepEqual(rows.slice(0, whole).toSorted((a, b) => a - b), [...Array(whole).keys()]);
      assert.notDeepEqual(rows.slice(0, 32), [...Array(32).keys()], "rows are shuffled");
    }
    await source.close();
  }
});

Deno.test("batch t after a seek is the batch t of a whole run", async () => {
  const make = (seed = 1) => shuffledBatches(countingSource(93, 32), { batchRows: 8, seed });
  const whole = await steps(make(), 40);
  whole.forEach((batch, i) => assert.equal(batch.step, i));
  const seeking = make();
  for (const step of [17, 3, 39, 4, 4, 0, 21, 22, 10]) {
    assert.deepEqual(await seeking.batch(step), whole[step]);
  }
  assert.deepEqual(await Promise.all([30, 2, 31].map((s) => seeking.batch(s))), [
    whole[30],
    whole[2],
    whole[31],
  ]);
  assert.notDeepEqual(await steps(make(2), 4), whole.slice(0, 4), "another seed, another order");
  // Blocks are shuffled each in its own way.
  const first = whole[0].points[0].filter((_, i) => i % 2 === 1);
  const second = whole[4].points[0].filter((_, i) => i % 2 === 1).map((row) => row - 32);
  assert.notDeepEqual(first, second);
});

Deno.test("one block is read ahead, none twice, none beyond the last step", async () => {
  const blocks = countingSource(96, 32);
  const source = shuffledBatches(blocks, { batchRows: 8, seed: 1, steps: 18 });
  await source.batch(0);
  assert.deepEqual(blocks.loads, ["0.0", "0.1"]);
  await steps(source, 3, 1);
  assert.deepEqual(blocks.loads, ["0.0", "0.1"]);
  await source.batch(4);
  assert.deepEqual(blocks.loads, ["0.0", "0.1", "0.2"]);
  await steps(source, 13, 5);
  assert.deepEqual(blocks.loads, ["0.0", "0.1", "0.2", "1.0", "1.1"]);
  await source.batch(0);
  assert.equal(blocks.loads.at(-2), "0.0");
});

Deno.test("time that callers wait is measured", async () => {
  const slow = countingSource(64, 32, () => new Promise((done) => setTimeout(done, 30)));
  const source = shuffledBatches(slow, { batchRows: 8, seed: 1, steps: 4 });
  assert.equal(source.waitedSeconds, 0);
  await source.batch(0);
  const waited = source.waitedSeconds;
  assert(waited > 0.02 && waited < 5, `${waited}`);
  await source.batch(1);
  assert(source.waitedSeconds - waited < 0.02, "a block that is there costs nothing");
});

Deno.test("an error of a block that is read ahead comes when the block is needed, and is not kept", async () => {
  const whole = await steps(shuffledBatches(countingSource(64, 32), { batchRows: 16, seed: 1 }), 4);
  const blocks = countingSource(64, 32);
  blocks.failOn = "0.1";
  const source = shuffledBatches(blocks, { batchRows: 16, seed: 1 });
  assert.deepEqual(await source.batch(0), whole[0]);
  await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual(await source.batch(1), whole[1]);
  await assert.rejects(() => source.batch(2), /disk/);
  blocks.failOn = undefined;
  assert.deepEqual(await source.batch(2), whole[2]);
});

Deno.test("sizes that do not fit are refused", () => {
  assert.throws(
    () => shuffledBatches(countingSource(96, 32), { batchRows: 12, seed: 1 }),
    /blocks of 32 rows into batches of 12/,
  );
  assert.throws(
    () => shuffledBatches(countingSource(5, 32), { batchRows: 8, seed: 1 }),
    /an epoch has 5 rows, one batch needs 8/,
  );
});

Deno.test("from a model: an epoch of batches has every kept row once", async () => {
  const maker = await fakeMaker(3000, 16);
  const source = shuffledBatches(
    modelSource({ ...maker, seed: 9, blockRows: 256, batchRows: 1 }),
    { batchRows: 1, seed: 9 },
  );
  const batches = await steps(source, source.batchesPerEpoch);
  POINTS.forEach((point, p) => {
    const rows = batches.flatMap((batch) => rowsOfMatrix(batch.points[p], point.d));
    assert.deepEqual(sorted(rows), sorted(allRows(maker, point)));
  });
  assert.equal(source.describe().batches_per_epoch, maker.kept.rows);
  await source.close();
  assert(maker.runner.closed);
});

Deno.test("the scale brings the mean norm to the root of the width", async () => {
  const maker = await fakeMaker(6000, 16);
  const make = () =>
    shuffledBatches(modelSource({ ...maker, seed: 9, blockRows: 512, batchRows: 64 }), {
      batchRows: 64,
      seed: 9,
    });
  const estimates = await estimateScale(make(), { batchesPerEpoch: make().batchesPerEpoch });
  const used = await steps(make(), 64);
  estimates.forEach(({ scale, meanNorm, rows, name }, p) => {
    const { d } = POINTS[p];
    assert.equal(name, POINTS[p].name);
    assert.equal(rows, 64 * 64);
    const norms = used.flatMap((b) => rowsOfMatrix(b.points[p], d)).map((row) =>
      Math.hypot(...row)
    );
    const mean = norms.reduce((a, b) => a + b) / norms.length;
    assert(Math.abs(meanNorm / mean - 1) < 1e-12);
    assert(Math.abs(scale * mean / Math.sqrt(d) - 1) < 1e-12);
  });
  assert.deepEqual(await estimateScale(make()), estimates, "the same bits again");
  assert.equal((await estimateScale(make(), { maxRows: 100 }))[0].rows, 128);
  assert.equal((await estimateScale(make(), { batchesPerEpoch: 3 }))[0].rows, 192);
  assert.throws(() => scaleFromNorm("p", 4, 0, 10), /mean norm is 0 over 10 rows/);
});
