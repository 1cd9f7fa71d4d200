import assert from "assert";
import { didYouMean, editDistance, nearest } from "../../lib/base/nearest.ts";

Deno.test("editDistance() counts insertions, deletions and substitutions", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["abc", "abc", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
    ["flaw", "lawn", 2],
    ["ab", "ba", 2],
  ];
  for (const [a, b, distance] of cases) {
    assert.equal(editDistance(a, b), distance, `${a} ${b}`);
    assert.equal(editDistance(b, a), distance, `${b} ${a}`);
  }
});

Deno.test("nearest() puts the best first, finds parts of names, and leaves out what shares nothing", () => {
  const known = ["lr_warm_up_steps", "lr_decay_steps", "lr", "k", "d_sae", "batch_tokens"];
  assert.equal(nearest("lr_warmup_steps", known)[0], "lr_warm_up_steps");
  assert.equal(nearest("warm_up", known)[0], "lr_warm_up_steps");
  assert.equal(nearest("D_SAE", known)[0], "d_sae");
  assert.deepEqual(nearest("zzzzzzzzzzzz", known), []);
  assert.deepEqual(nearest("ab", ["aa", "bb", "ab"], 1), ["ab"]);
  assert.deepEqual(nearest("ac", ["ab", "aa"]), ["ab", "aa"], "equals keep their order");
});

Deno.test("didYouMean() is a question, or nothing", () => {
  assert.equal(didYouMean("trian", ["train", "eval"]), 'did you mean "train"?');
  assert.equal(didYouMean("ab", ["aa", "ac"]), 'did you mean "aa" or "ac"?');
  assert.equal(didYouMean("ab", ["aa", "ac", "ad"]), 'did you mean "aa", "ac" or "ad"?');
  assert.equal(didYouMean("ab", ["aa", "ac", "ad"], 1), 'did you mean "aa"?');
  assert.equal(didYouMean("qqqqqqqqqq", ["train"]), "");
});
