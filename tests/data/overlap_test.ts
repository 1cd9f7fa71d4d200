// Training and a model in a worker of its own overlap: the slower of the two sets the pace, and it is known who waits.
import assert from "assert";
import { modelSource } from "../../lib/data/model_source.ts";
import { shuffledBatches } from "../../lib/data/shuffled_batches.ts";
import { waitingFigure } from "../../lib/train/waiting.ts";
import { fakeMaker, type FakeRunner } from "./_fakes.ts";

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const BATCH = 32, BLOCK = 128, STEPS = 24;

/** Trains for pretence: how long all took, how long the model and the steps took, and who waited. */
async function pretend(runMs: number, stepMs: number) {
  const maker = await fakeMaker(1600, 16);
  const runner = maker.runner as FakeRunner;
  const busy = { model: 0, training: 0 };
  // One run at a time, as in a worker.
  let queue = Promise.resolve();
  runner.before = () =>
    queue = queue.then(async () => {
      const from = performance.now();
      await sleep(runMs);
      busy.model += performance.now() - from;
    });
  const source = modelSource({ ...maker, seed: 1, blockRows: BLOCK, batchRows: BATCH });
  const batches = shuffledBatches(source, { batchRows: BATCH, seed: 1, steps: STEPS });
  await batches.batch(0);
  const before = { waitedSeconds: batches.waitedSeconds, idleSeconds: batches.idleSeconds };
  busy.model = 0;
  const started = performance.now();
  for (let step = 0; step < STEPS; step++) {
    await batches.batch(step);
    const from = performance.now();
    await sleep(stepMs);
    busy.training += performance.now() - from;
  }
  const total = performance.now() - started;
  const waited = 1000 * (batches.waitedSeconds - before.waitedSeconds);
  const idle = 1000 * (batches.idleSeconds! - before.idleSeconds!);
  const figure = waitingFigure(batches, before, total / 1000, "model");
  await batches.close();
  return { total, busy, waited, idle, figure };
}

/** Other processes may have the processor for a while: what holds in one of five tries is not broken. */
async function inOneOfFive(check: () => Promise<void>): Promise<void> {
  for (let left = 4;; left--) {
    try {
      return await check();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

Deno.test("a model that is slower than training is never idle, and training waits for it", () =>
  inOneOfFive(async () => {
    const { total, busy, waited, idle, figure } = await pretend(24, 4);
    assert(busy.model > busy.training, "the model is the slower one");
    assert(total < busy.model + 0.5 * busy.training, `${total}: ${JSON.stringify(busy)}`);
    assert(
      waited > 0.5 * (busy.model - busy.training),
      `${waited} of ${total}: ${JSON.stringify(busy)}`,
    );
    // Its last steps need no more rows; until then there is always a run to make.
    assert(idle < 0.35 * total, `${idle} of ${total}`);
    assert.match(JSON.stringify(figure), /^{"training waits":"\d+ % for the model"}$/);
  }));

Deno.test("training that is slower than the model never waits, and the model waits for it", () =>
  inOneOfFive(async () => {
    const { total, busy, waited, idle, figure } = await pretend(2, 16);
    assert(busy.training > busy.model, "training is the slower one");
    assert(total < busy.training + 0.5 * busy.model, `${total}: ${JSON.stringify(busy)}`);
    assert(waited < 0.1 * total, `${waited} of ${total}`);
    assert(idle > 0.3 * total, `${idle} of ${total}`);
    assert.match(JSON.stringify(figure), /^{"the model waits":"\d+ % for training"}$/);
  }));

Deno.test("who waits is said in words, for a store and for one device too", () => {
  const before = { waitedSeconds: 1, idleSeconds: 2 };
  const now = { waitedSeconds: 3, idleSeconds: 9 };
  assert.deepEqual(waitingFigure(now, before, 10, "model"), {
    "the model waits": "70 % for training",
  });
  assert.deepEqual(waitingFigure(now, before, 10, "store"), {
    "training waits": "20 % for the store",
  });
  assert.deepEqual(waitingFigure({ waitedSeconds: 5 }, { waitedSeconds: 1 }, 10, "model"), {
    "the model takes": "40 % of the time",
  });
  assert.deepEqual(waitingFigure(before, before, 0, "store"), {
    "training waits": "0 % for the store",
  });
});
