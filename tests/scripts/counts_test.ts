/** Reading the counts of test programs. */
import assert from "assert";
import { countTests } from "../../scripts/counts.ts";

Deno.test("countTests() reads the summary of deno test, with colours and steps", () => {
  const line = "\x1b[32mok\x1b[0m | 17 passed (3 steps) | 0 failed \x1b[38;5;245m(81ms)\x1b[0m";
  assert.deepEqual(countTests(line, true), { passed: 17, failed: 0 });
  assert.deepEqual(
    countTests("FAILED | 4 passed | 2 failed (1s)", false),
    { passed: 4, failed: 2 },
  );
});

Deno.test("countTests() counts what was skipped as failed", () => {
  assert.deepEqual(countTests("ok | 4 passed | 0 failed | 2 ignored (1s)", true), {
    passed: 4,
    failed: 2,
  });
});

Deno.test("countTests() adds up several summaries", () => {
  assert.deepEqual(countTests("5 passed, 1 failed\nmore\n2 passed, 0 failed\n", false), {
    passed: 7,
    failed: 1,
  });
});

Deno.test("countTests() goes by the exit code where nothing was counted", () => {
  assert.deepEqual(countTests("all well", true), { passed: 1, failed: 0 });
  assert.deepEqual(countTests("", false), { passed: 0, failed: 1 });
  assert.deepEqual(countTests("9 passed, 0 failed\ncrash", false), { passed: 9, failed: 1 });
});
