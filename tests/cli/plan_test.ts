// `sdm plan` as a user runs it.
import assert from "assert";
import { waitingText } from "../../lib/commands/plan_lines.ts";
import { sdm } from "./_sdm.ts";

const SHAPES = ["plan", "--no-probe", "--d-in", "768", "--d-sae", "131072"];

Deno.test("sdm plan --no-probe prints memory, cuts and disk, and exit code 0", async () => {
  const { code, out, err } = await sdm(SHAPES);
  assert.equal(code, 0, err);
  assert.match(out, /^dictionary +topk, 131072 latents of width 768$/m);
  assert.match(out, /^on the adapter +3\.\d+ GiB while /m);
  assert.match(out, /^ {2}gradients +769 MiB$/m);
  assert.match(out, /^cut over buffers +W_enc, W_dec, .*: 384 MiB in 4 buffers each$/m);
  assert.match(out, /^on disk .* free$/m);
  assert.doesNotMatch(out, /^time/m);
  assert.match(out, /\nThis fits, as far as shapes tell\.\n$/);
});

Deno.test("sdm plan --json is a document; larger bindings cut less", async () => {
  const { code, out, err } = await sdm([...SHAPES, "--assume-binding-mib", "512", "--json"]);
  assert.equal(code, 0, err);
  const plan = JSON.parse(out);
  assert.deepEqual([plan.d_sae, plan.gpu.splits, plan.trouble], [131072, [], []]);
  assert.ok(plan.gpu.peak_bytes > 3 * 2 ** 30 && plan.time === undefined);
});

Deno.test("what does not fit is said with what to change, and exit code 2", async () => {
  const large = [...SHAPES, "--assume-binding-mib", "64", "--batch-tokens", "16384"];
  const { code, out } = await sdm(large);
  assert.equal(code, 2);
  assert.match(out, /^Does not fit\. Cannot make buffer "\w+": it needs \d+ MiB, adapter /m);
  assert.match(out, /^Change: --batch-tokens \d+ fits$/m);
  const [mistake, nothing] = await Promise.all([
    sdm(["plan", "--probe-steps", "two", "--no-probe", "--d-in", "8"]),
    sdm(["plan"]),
  ]);
  assert.match(mistake.err, /^Cannot read option "--probe-steps": it is "two", a whole number of/);
  assert.deepEqual([mistake.code, nothing.code], [2, 2]);
});

Deno.test("waitingText() names the one that waits", () => {
  const time = {
    probe_steps: 20,
    model_tokens_per_second: 1,
    dictionary_tokens_per_second: 1,
    together: { model_tokens_per_second: 1, dictionary_tokens_per_second: 1 },
    start_seconds: 1,
    training_seconds: 100,
    checkpoint_seconds: 1,
    total_seconds: 102,
    dictionary_waits_seconds: 40,
    model_waits_seconds: 3,
  };
  assert.equal(waitingText(time), "the dictionary waits for activations 40 % of the time");
  assert.equal(
    waitingText({ ...time, dictionary_waits_seconds: 0 }),
    "the model waits for the dictionary 3 % of the time",
  );
  assert.equal(
    waitingText({ ...time, model_turns_seconds: 25 }),
    "the model takes 25 % of the time of the one device",
  );
});
