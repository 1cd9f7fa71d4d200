// What a run keeps of its plan, and how it tells how far off it was.
import assert from "assert";
import { join } from "node:path";
import { parseConfig } from "../../lib/config/parse.ts";
import { resolveDefaults } from "../../lib/config/resolve.ts";
import { readManifest } from "../../lib/train/manifest.ts";
import { planError, planLine, withPace } from "../../lib/train/planned.ts";
import { withFolder } from "../files/folder.ts";
import { configOf, EVENTFUL, plantedStore, train } from "./runs.ts";

Deno.test("planLine() says what was planned and what was taken, as far as it is known", () => {
  const gib = 2 ** 30;
  const plan = { gpu_bytes: 1.23 * gib, seconds: 250 };
  const whole = { plan, peak_gpu_bytes: 1.25 * gib, seconds: { training: 272 } };
  assert.equal(
    planLine(whole),
    "planned 1.23 GiB, used 1.25 GiB (+1.6 %); planned 4 min 10 s, took 4 min 32 s (+8.8 %)",
  );
  assert.equal(
    planLine({ ...whole, peak_gpu_bytes: 1.23 * gib, seconds: undefined }),
    "planned 1.23 GiB, used 1.23 GiB (+0 %)",
  );
  assert.equal(
    planLine({ ...whole, plan: { gpu_bytes: 2.5 * gib } }),
    "planned 2.5 GiB, used 1.25 GiB (-50 %)",
  );
  assert.equal(planLine({ peak_gpu_bytes: 1, seconds: { training: 1 } }), undefined);
  assert.equal(planError({ ...whole, plan: { ...plan, seconds: 136 } }).seconds, 1);
});

Deno.test("the time that is left is that of rows and checkpoints that are left", () => {
  const config = resolveDefaults(
    parseConfig({
      activations: "store",
      d_sae: 64,
      batch_tokens: 100,
      training_tokens: 10_000,
      buffer_tokens: 1000,
      save_every: 40,
    }, "run.toml"),
    { dIn: 8 },
  );
  const rates = { model: 1e9, dictionary: 50 };
  const plan = withPace({ gpu_bytes: 5 }, config, { alone: rates, together: rates }, {
    step: 20,
    elapsed: 33,
    checkpointBytes: 250e6,
  });
  // 80 of 100 steps are left, and checkpoints after 40, 80 and 100.
  assert.ok(Math.abs(plan.seconds! - (33 + 8000 / 50 + 3)) < 1e-4, `${plan.seconds}`);
  assert.deepEqual([plan.gpu_bytes, plan.dictionary_tokens_per_second], [5, 50]);
});

Deno.test("a run keeps its plan: memory from the start, time from its first steps, both when resumed", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const run = join(folder, "run");
    const config = await configOf(store, run, EVENTFUL);
    await train(config, { stopAfterStep: 5 });
    const early = await readManifest(run);
    assert.ok(early.plan!.gpu_bytes > 0);
    assert.equal(early.plan!.seconds, undefined, "five steps tell nothing");
    assert.equal(early.plan_error, undefined, "it has not ended");
    const { planned } = await train(config, { resume: true });
    const late = await readManifest(run);
    assert.equal(late.plan!.gpu_bytes, early.plan!.gpu_bytes);
    assert.equal(late.peak_gpu_bytes, late.plan!.gpu_bytes);
    assert.ok(late.plan!.seconds! > 0 && late.plan!.model_tokens_per_second! > 0);
    assert.equal(late.plan_error!.gpu_bytes, 0);
    assert.ok(Number.isFinite(late.plan_error!.seconds));
    assert.match(planned!, /^planned .* KiB, used .* KiB \(\+0 %\); planned .*, took /);
    assert.equal(planned, planLine(late));
  }));
