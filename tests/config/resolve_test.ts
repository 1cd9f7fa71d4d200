import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { automaticLr, resolveDefaults, stepsOf } from "../../lib/config/resolve.ts";

function config(more: Record<string, unknown>) {
  return parseConfig({ activations: "store", ...more }, "run.toml");
}

Deno.test("values that depend on width and steps follow the documented rules", () => {
  const raw = config({ training_tokens: 409_600, batch_tokens: 1024 });
  const resolved = resolveDefaults(raw, { dIn: 192 });
  assert.equal(stepsOf(raw), 400);
  assert.equal(resolved.dictionary.d_in, 192);
  assert.equal(resolved.dictionary.d_sae, 16 * 192);
  assert.equal(resolved.dictionary.k_aux, 128); // 2^round(log2(96)) = 2^7
  assert.equal(resolved.dictionary.k_start, 32);
  assert.equal(resolved.dictionary.k_anneal_steps, 0);
  assert.equal(resolved.dictionary.dead_after_tokens, 20_480);
  assert.equal(resolved.optimizer.lr_warm_up_steps, 20);
  assert.equal(resolved.optimizer.lr_decay_steps, 80);
  assert.equal(resolved.train.log_every, 2);
  assert.equal(resolved.train.save_every, 40);
  assert.ok(Math.abs(resolved.optimizer.lr - 2e-4 / Math.sqrt(3072 / 16384)) < 1e-12);
  assert.equal(raw.dictionary.d_sae, undefined, "the argument must stay as it was");
});

Deno.test("long runs meet the caps", () => {
  const resolved = resolveDefaults(config({ training_tokens: 1e9, d_sae: 16384 }), { dIn: 768 });
  assert.equal(resolved.dictionary.dead_after_tokens, 10_000_000);
  assert.equal(resolved.optimizer.lr_warm_up_steps, 1000);
  assert.equal(resolved.optimizer.lr, 2e-4);
  assert.equal(resolved.train.log_every, 100);
  assert.equal(automaticLr(4 * 16384), 1e-4);
});

Deno.test("k_aux never exceeds d_sae, and a given k_start anneals over four fifths", () => {
  const resolved = resolveDefaults(
    config({ d_sae: 64, k: 4, k_start: 16, training_tokens: 204_800 }),
    { dIn: 768 },
  );
  assert.equal(resolved.dictionary.k_aux, 64);
  assert.equal(resolved.dictionary.k_anneal_steps, 80);
});

Deno.test("what a run writes to config.json reads back to the same configuration", () => {
  const resolved = resolveDefaults(config({ n_checkpoints: 3, expansion_factor: 2 }), { dIn: 96 });
  const again = parseConfig(JSON.parse(JSON.stringify(resolved)), "config.json");
  assert.deepEqual(JSON.parse(JSON.stringify(resolveDefaults(again, { dIn: 96 }))), resolved);
  assert.equal(resolved.dictionary.d_sae, 192);
});

Deno.test("every run has at least one step, and schedules fit in it", () => {
  const resolved = resolveDefaults(config({ training_tokens: 1 }), { dIn: 96 });
  assert.equal(resolved.train.save_every, 1);
  assert.ok(resolved.optimizer.lr_warm_up_steps + resolved.optimizer.lr_decay_steps <= 1);
  assert.ok(resolved.dictionary.dead_after_tokens >= 1);
});

Deno.test("contradictions that only the width shows are refused", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ expansion_factor: 1, k: 100 }, /dictionary.k is 100 and d_sae is 96/],
    [{ d_sae: 100, expansion_factor: 2 }, /d_sae is 100 and expansion_factor 2 .* is 192/],
    [{ d_in: 128 }, /d_in is 128, the activations have width 96/],
    [{ lr_warm_up_steps: 400, lr_decay_steps: 400 }, /together at most the 489 steps/],
    [{ lr_warm_up_steps: 600 }, /lr_warm_up_steps is 600/],
  ];
  for (const [more, pattern] of cases) {
    assert.throws(
      () => resolveDefaults(config(more), { dIn: 96 }, "run.toml"),
      (error: unknown) => error instanceof SdmError && pattern.test(error.message),
      JSON.stringify(more),
    );
  }
});
