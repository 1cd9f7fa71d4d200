// What is refused before any text is read, and what is freed when.
import assert from "assert";
import { silent } from "../../lib/base/progress.ts";
import { openTextInputs } from "../../lib/data/text_inputs.ts";

const DEMO = new URL("../../models/demo/", import.meta.url).pathname;
const options = {
  model: `${DEMO}model.onnx`,
  provider: "auto",
  threads: 1,
  prependBos: false,
  excludeTokens: "special",
  inputs: ["blocks.1.hook_resid_post"],
  text: ["no/such/text.jsonl"],
  evalFraction: 0.05,
  textField: "text",
  dropFirst: true,
  part: "train",
} as const;

Deno.test("contexts that the model cannot take are refused before the text is looked at", async () => {
  await assert.rejects(
    () => openTextInputs({ ...options, contextSize: 4096 }, { onProgress: silent }),
    {
      message: 'Cannot use contexts of 4096 tokens: model "demo/model.onnx" takes at most 128, ' +
        "as many or fewer are needed",
      hint: "--context-size 128",
    },
  );
  await assert.rejects(
    () => openTextInputs({ ...options, contextSize: 128 }, { onProgress: silent }),
    /Cannot read text "no\/such\/text\.jsonl": it does not exist/,
  );
});

Deno.test("text that is in a file outlives the model: losses and reports read it afterwards", async () => {
  const inputs = await openTextInputs({
    ...options,
    text: [`${DEMO}corpus/heldout.jsonl.gz`],
    part: "held_out",
    contextSize: 128,
    memoryTokens: 1,
  }, { onProgress: silent });
  const before = inputs.tokens.idsOf(0);
  await inputs.runner.close();
  assert.deepEqual(inputs.tokens.idsOf(0), before);
  await inputs.close();
  assert.throws(() => inputs.tokens.idsOf(0), "the file is gone");
});
