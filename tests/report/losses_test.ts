/** Losses of the model from a configuration: what a model cannot give is told, and the other figures stand. */
import assert from "assert";
import { silent } from "../../lib/base/progress.ts";
import { loadConfig } from "../../lib/config/load.ts";
import type { TextInputs } from "../../lib/data/text_inputs.ts";
import type { LoadedDictionary } from "../../lib/models/loaded.ts";
import { modelLosses } from "../../lib/report/losses.ts";
import { keptPositions } from "../../lib/text/masks.ts";
import type { TokenSet } from "../../lib/text/packing.ts";

const FIXTURES = new URL("../onnx/fixtures/", import.meta.url).pathname;
const D = 16;

/** Two contexts of four tokens, at a tensor of a model. */
function inputsAt(tensor: string): TextInputs {
  const tokens: Partial<TokenSet> = {
    idsOf: (first, count = 1) =>
      Int32Array.of(1, 2, 3, 4, 4, 3, 2, 1).slice(4 * first, 4 * (first + count)),
    contexts: 2,
    contextSize: 4,
  };
  const points = [{ name: tensor, tensor, d: D }];
  return { points, tokens, kept: keptPositions(tokens as TokenSet) } as unknown as TextInputs;
}

const copy: LoadedDictionary = {
  maxRows: 64,
  rowUnit: 1,
  latents: 1,
  widths: [D],
  run: ([x]) =>
    Promise.resolve({ recon: [x.slice()] } as Awaited<ReturnType<LoadedDictionary["run"]>>),
};

async function lossesOf(file: string, tensor: string, more: [string, unknown][] = []) {
  const overrides = Object.entries({
    "model.onnx": FIXTURES + file,
    "model.hookpoint": tensor,
    "data.text": [`${FIXTURES}make_fixtures.py`],
    "model.provider": "cpu",
    ...Object.fromEntries(more),
  }).map(([path, value]) => ({ path, value }));
  const config = await loadConfig({ overrides, inputs: false });
  const rows = { rows: 2, points: [{ d: D, x: new Float32Array(2 * D) }] };
  return modelLosses(config, inputsAt(tensor), rows, { onProgress: silent });
}

Deno.test("a model without logits gives the reason in place of losses, again and again", async () => {
  const losses = await lossesOf("bert_fused.onnx", "input_ids");
  for (let i = 0; i < 2; i++) {
    const found = await losses.of(copy);
    assert.match(found?.reason ?? "", /its output is "\w+", "logits" is needed/);
    assert.deepEqual(found?.figures, []);
  }
  await losses.close();
});

Deno.test("a second dictionary is measured against the same baselines", async () => {
  const losses = await lossesOf("gpt2.onnx", "blocks.0.hook_resid_post");
  const value = (found: Awaited<ReturnType<typeof losses.of>>, name: string) =>
    found!.figures.find((figure) => figure.name === `model/${name}`)!.value!;
  const zero: LoadedDictionary = {
    ...copy,
    run: async ([x]) => await copy.run([new Float32Array(x.length)]),
  };
  const first = await losses.of(copy), second = await losses.of(zero);
  assert.equal(value(first, "ce_delta"), 0);
  assert.equal(value(second, "ce_loss"), value(first, "ce_loss"));
  assert.equal(value(second, "ce_loss_with_zero"), value(first, "ce_loss_with_zero"));
  assert.ok(value(second, "kl_div_with_sae") > 0);
  await losses.close();
});

Deno.test("no tokens, no losses", async () => {
  const losses = await lossesOf("gpt2.onnx", "logits", [["train.downstream_tokens", 0]]);
  assert.equal(await losses.of(copy), undefined);
  await losses.close();
});
