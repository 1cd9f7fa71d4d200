// A model on the dictionary's device: the same rows in the same order as in memory, made a little for every step.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import type { RowMaker } from "../../lib/data/context_rows.ts";
import { modelSource } from "../../lib/data/model_source.ts";
import { rowNormalised } from "../../lib/data/norm.ts";
import { StepPace } from "../../lib/data/pace.ts";
import { type ShuffledBatches, shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import { type Batch, isOnDevice, nextBatch } from "../../lib/data/types.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { encode } from "../../lib/gpu/program.ts";
import { createRows, destroyRows, readRows } from "../../lib/gpu/rows.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import { feedBatch } from "../../lib/train/feed.ts";
import { split, whole } from "../kernels/device.ts";
import { fakeMaker, type FakeRunner, POINTS } from "./_fakes.ts";

/** The runner of a maker, with its results in buffers of the device. */
function onDevice(gpu: Gpu, runner: FakeRunner): FakeRunner {
  const device: FakeRunner = Object.create(runner, {
    runs: { get: () => runner.runs },
    runOnDevice: {
      value: async (...args: Parameters<FakeRunner["run"]>) => {
        const arrays = await runner.run(...args);
        const buffers = arrays.map((values) => {
          // ONNX Runtime's buffers are longer than their tensors.
          const size = Math.ceil(values.byteLength / 16) * 16 + 64;
          const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
          const buffer = gpu.device.createBuffer({ size, usage });
          gpu.device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
          return buffer;
        });
        const release = () => buffers.forEach((buffer) => buffer.destroy());
        return { buffers, lengths: arrays.map((values) => values.length), release };
      },
    },
  });
  return device;
}

const SIZES = { seed: 9, blockRows: 96, batchRows: 32 };

function batchesOf(maker: RowMaker, gpu?: Gpu, more: { sequences?: boolean; steps?: number } = {}) {
  const runner = gpu ? onDevice(gpu, maker.runner as FakeRunner) : maker.runner;
  return shuffledBatches(modelSource({ ...maker, ...SIZES, ...more, runner, gpu }), {
    ...SIZES,
    ...more,
  });
}

/** The batch of a step as a training step would read it. */
async function fed(gpu: Gpu, batches: ShuffledBatches, step: number): Promise<Batch> {
  const batch = await nextBatch(batches, step);
  assert(isOnDevice(batch));
  const inputs = POINTS.map(({ name, d }) => createRows(gpu, name, batch.rows, d));
  const encoder = gpu.device.createCommandEncoder();
  encode(encoder, feedBatch({ gpu, model: { inputs }, scales: [1, 1] }, batch));
  gpu.device.queue.submit([encoder.finish()]);
  const points: Float32Array[] = [];
  for (const rows of inputs) points.push(await readRows(gpu, rows));
  inputs.forEach((rows) => destroyRows(gpu, rows));
  return batch.mask
    ? { step, rows: batch.rows, points, mask: batch.mask }
    : { step, rows: batch.rows, points };
}

for (const [name, open] of [["one buffer", whole], ["several buffers", split]] as const) {
  Deno.test(`batches on a device are those in memory: blocks of ${name}`, async () => {
    const gpu = await open();
    const maker = await fakeMaker(900, 16);
    const inMemory = batchesOf(maker), resident = batchesOf(maker, gpu);
    const before = gpu.memory.bytes;
    // Over the end of an epoch, back to its start, far ahead.
    for (const step of [0, 1, 2, 3, 4, 22, 23, 24, 25, 26, 27, 0, 60, 61, 62]) {
      const wanted = await inMemory.batch(step);
      assert.deepEqual(await fed(gpu, resident, step), wanted, `step ${step}`);
      if (step % 3 === 1) assert.deepEqual(await resident.batch(step), wanted, "read back");
    }
    assert.equal(resident.idleSeconds, undefined, "a model on the same device does not wait");
    await resident.close();
    // Buffers of a fed batch stay with the model, of the source none.
    assert(gpu.memory.bytes - before <= 15 * (16 + 8 * 32 + 256 * 256), "blocks are freed");
    await inMemory.close();
  });
}

Deno.test("whole contexts come to a device with their mask", async () => {
  const gpu = await whole();
  const maker = await fakeMaker(1600, 16);
  const kept = keptPositions(maker.tokens, { dropFirst: false, excludeTokens: [] });
  const own = { ...maker, kept, counted: maker.kept };
  const more = { sequences: true };
  const inMemory = batchesOf(own, undefined, more), resident = batchesOf(own, gpu, more);
  for (const step of [0, 1, 2, 3, 4]) {
    const wanted = await inMemory.batch(step);
    assert(wanted.mask!.includes(0) && wanted.mask!.includes(1));
    assert.deepEqual(await fed(gpu, resident, step), wanted);
  }
  await resident.close();
});

Deno.test("rows are normalised on the device as in memory", async () => {
  const gpu = await whole();
  const maker = await fakeMaker(900, 16);
  for (const how of ["token", "layer_norm"] as const) {
    const inMemory = rowNormalised(batchesOf(maker), how);
    const resident = rowNormalised(batchesOf(maker, gpu), how);
    const wanted = await inMemory.batch(1), got = await fed(gpu, resident, 1);
    wanted.points.forEach((values, p) =>
      values.forEach((value, i) =>
        assert(Math.abs(got.points[p][i] - value) < 1e-6, `${got.points[p][i]}, wanted ${value}`)
      )
    );
    assert.deepEqual(await resident.batch(1), wanted);
    await resident.close();
  }
});

Deno.test("the model runs a little for every step, never for a whole block at once", async () => {
  const gpu = await whole();
  const maker = await fakeMaker(3000, 16);
  const runner = maker.runner as FakeRunner;
  const blockRows = 960, batchRows = 32;
  const device = { ...maker, runner: onDevice(gpu, runner), gpu };
  const source = modelSource({ ...device, seed: 1, blockRows, batchRows });
  const batches = shuffledBatches(source, { batchRows, seed: 1, steps: 60 });
  await nextBatch(batches, 0);
  const block = runner.runs;
  assert(block > 20, "a block is many runs");
  const each: number[] = [];
  for (let step = 1, before = runner.runs; step < 60; step++) {
    await nextBatch(batches, step);
    each.push(runner.runs - before);
    before = runner.runs;
  }
  assert(Math.max(...each) <= 2, `${each}`);
  assert.equal(each.slice(29).reduce((a, b) => a + b), 0, "the second block was there in time");
  await batches.close();
});

Deno.test("what is not finite is found on the device, and named as in memory", async () => {
  const gpu = await whole();
  for (const value of [NaN, -Infinity]) {
    const maker = await fakeMaker(2000, 16);
    const target = maker.tokens.idsOf(40).join();
    (maker.runner as FakeRunner).change = (arrays, ids) => {
      for (let c = 0; c < ids.length / 16; c++) {
        arrays[1][c * 16 * 4] = NaN; // position 0 is not kept
        if (ids.slice(16 * c, 16 * c + 16).join() !== target) continue;
        arrays[1][(c * 16 + 5) * 4 + 3] = value;
      }
    };
    const runner = onDevice(gpu, maker.runner as FakeRunner);
    const source = modelSource({ ...maker, runner, gpu, seed: 5, blockRows: 5000, batchRows: 1 });
    await assert.rejects(() => source.load(0, 0), (error: unknown) => {
      assert(error instanceof SdmError);
      assert.equal(
        error.message,
        `Cannot use activations of "blocks.1.hook_resid_post": ${value} in dimension 3 at context 40, ` +
          "position 5, finite numbers are needed",
      );
      return true;
    });
    await source.close();
  }
});

Deno.test("a pace lets parts through when they are due, and ends with what waits", async () => {
  const pace = new StepPace();
  const seen: string[] = [];
  const maker = (async () => {
    for (const done of [0, 0.25, 0.5, 0.75, 1]) {
      await pace.turn(done);
      seen.push(`made from ${done}`);
    }
    pace.end();
  })();
  await pace.until(0.3);
  seen.push("user");
  await pace.until(0.2);
  assert.deepEqual(seen, ["made from 0", "made from 0.25", "user"]);
  pace.hurry();
  await maker;
  await pace.until(1);
  const other = new StepPace();
  const waiting = assert.rejects(other.turn(0), /not needed/);
  other.giveUp();
  await waiting;
  await assert.rejects(other.turn(0), /not needed/);
  const failing = other.until(0.5);
  other.end();
  await failing;
});
