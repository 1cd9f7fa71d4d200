import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { parseConfig } from "../../lib/config/parse.ts";

const BASE = {
  model: { onnx: "m.onnx", hookpoint: "blocks.0.hook_resid_post" },
  data: { text: ["a.txt"] },
};

function refused(raw: unknown, pattern: RegExp): SdmError {
  let error: unknown;
  try {
    parseConfig(raw, "run.toml");
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof SdmError, `not refused: ${JSON.stringify(raw)}`);
  assert.equal(error.exitCode, 2);
  assert.doesNotMatch(error.message, /\n|\.$/);
  assert.match(error.message, pattern);
  return error;
}

Deno.test("a minimal file gets the documented defaults", () => {
  const config = parseConfig(BASE, "run.toml");
  assert.equal(config.seed, 0);
  assert.equal(config.output_path, "runs/run");
  assert.equal(config.model.tokenizer, "tokenizer.json");
  assert.equal(
    parseConfig({ ...BASE, model: { ...BASE.model, onnx: "a/m.onnx" } }, "b").model
      .tokenizer,
    "a/tokenizer.json",
  );
  assert.equal(config.dictionary.k, 32);
  assert.equal(config.dictionary.auxk_coefficient, 1 / 32);
  assert.equal(config.dictionary.normalize_activations, "expected_average_only_in");
  assert.equal(config.dictionary.init_b_dec, "geometric_median");
  assert.equal(config.train.training_tokens, 1_000_000);
  assert.equal(config.train.batch_tokens, 2048);
  assert.deepEqual(config.optimizer.betas, [0.9, 0.999]);
  assert.equal(config.optimizer.lr, "auto");
  assert.equal(config.data.context_size, 128);
  assert.equal(config.data.drop_first, true);
  assert.equal(config.report.latents, 60);
  assert.equal(config.dictionary.d_sae, undefined);
});

Deno.test("defaults are fresh objects in every configuration", () => {
  parseConfig(BASE, "a.toml").optimizer.betas[0] = 0;
  assert.equal(parseConfig(BASE, "a.toml").optimizer.betas[0], 0.9);
});

Deno.test("other programs' names and values are accepted, in their section or at the top", () => {
  const config = parseConfig({
    hook_name: "blocks.1.hook_resid_post",
    model: "m.onnx",
    text: "one.txt",
    dictionary: { num_latents: 512, auxk_alpha: 0.5 },
    total_training_tokens: 5000,
    learning_rate: 0.001,
    norm_activation: "dataset-wise",
    exclude_special_tokens: true,
  }, "flat.json");
  assert.equal(config.model.hookpoint, "blocks.1.hook_resid_post");
  assert.equal(config.model.onnx, "m.onnx");
  assert.deepEqual(config.data.text, ["one.txt"]);
  assert.equal(config.dictionary.d_sae, 512);
  assert.equal(config.dictionary.auxk_coefficient, 0.5);
  assert.equal(config.train.training_tokens, 5000);
  assert.equal(config.optimizer.lr, 0.001);
  assert.equal(config.dictionary.normalize_activations, "expected_average_only_in");
  assert.equal(config.data.exclude_tokens, "special");
});

Deno.test("unknown keys are refused with the nearest known name and the file's name", () => {
  refused(
    { ...BASE, optimizer: { lr_warm_up_step: 5 } },
    /^Unknown key "optimizer.lr_warm_up_step" in "run.toml": did you mean "lr_warm_up_steps"\?$/,
  );
  refused({ ...BASE, sead: 1 }, /^Unknown key "sead" in "run.toml": did you mean "seed"\?$/);
  refused({ ...BASE, optimiser: { lr: 1 } }, /^Unknown section "optimiser".*"optimizer"\?$/);
  refused({ ...BASE, train: { lr: 1e-4 } }, /"train.lr".*did you mean "optimizer.lr"\?$/);
  refused({ ...BASE, "d-sae": 64 }, /did you mean "dictionary.d_sae"\?$/);
});

Deno.test("look-alike keys of another meaning are refused with what to write", () => {
  refused({ ...BASE, batch_size: 32 }, /"batch_size".*write train.batch_tokens, in tokens$/);
  refused({ ...BASE, train: { steps: 9 } }, /"train.steps".*write train.training_tokens/);
});

Deno.test("illegal values are refused with what is needed", () => {
  refused(
    { ...BASE, train: { batch_tokens: 0 } },
    /^Cannot use "run.toml": train.batch_tokens is 0, a whole number of at least 1 is needed$/,
  );
  refused({ ...BASE, train: { batch_tokens: "many" } }, /batch_tokens is "many", a whole number/);
  refused({ ...BASE, train: { batch_tokens: 1.5 } }, /batch_tokens is 1.5, a whole number/);
  refused(
    { ...BASE, dictionary: { type: "topp" } },
    /dictionary.type is "topp", one of "topk", "relu", .* is needed/,
  );
  refused({ ...BASE, optimizer: { betas: [0.9] } }, /betas is \[0.9\], two numbers/);
  refused({ ...BASE, optimizer: { betas: [0.9, 1] } }, /betas is \[0.9,1\], two numbers/);
  refused({ ...BASE, optimizer: { lr: 0 } }, /lr is 0, a number above 0 or "auto" is needed/);
  refused({ ...BASE, seed: -1 }, /^Cannot use "run.toml": seed is -1/);
  refused({ ...BASE, train: "adam" }, /"train" is "adam", a table of keys is needed/);
  refused([1], /a list or a bare value, keys are needed/);
});

Deno.test("keys that contradict each other are refused", () => {
  refused({ ...BASE, dictionary: { d_sae: 16, k: 32 } }, /dictionary.k is 32 and d_sae is 16/);
  refused({ ...BASE, dictionary: { d_sae: 16, k: 4, k_aux: 17 } }, /k_aux is 17 and d_sae is 16/);
  refused({ ...BASE, dictionary: { k_start: 8 } }, /k_start is 8 and k is 32/);
  refused({ ...BASE, dictionary: { k_anneal_steps: 8 } }, /k_start is needed$/);
  refused({ ...BASE, data: { text: ["a"], activations: "b" } }, /both data.activations and data/);
  refused(
    { ...BASE, data: { text: ["a"], context_size: 1 } },
    /is 1, a whole number of at least 2/,
  );
  refused({ ...BASE, train: { save_every: 1, n_checkpoints: 2 } }, /both train.save_every/);
  refused({ ...BASE, k: 1, dictionary: { top_k: 2 } }, /"dictionary.k" is given twice/);
  refused(
    { ...BASE, dictionary: { d_in: 8, d_sae: 64, expansion_factor: 4 } },
    /d_sae is 64 and expansion_factor 4 times d_in 8 is 32/,
  );
});

Deno.test("a configuration without a model needs a store, and one without a store needs all inputs", () => {
  const { hint } = refused({}, /^Cannot use "run.toml": no model and no activation store/);
  assert.match(hint!, /--onnx/);
  assert.match(refused({ model: { onnx: "m.onnx" } }, /no hookpoint/).hint!, /sdm hooks "m.onnx"/);
  refused({ model: BASE.model }, /no text, data.text or data.dataset is needed/);
  assert.equal(parseConfig({ activations: "dir" }, "x.toml").data.activations, "dir");
});

Deno.test("short names of hookpoints become the canonical ones", () => {
  const model = { ...BASE.model, hookpoint: "blocks.1.mlp_in", hookpoint_out: "blocks.1.mlp_out" };
  const parsed = parseConfig({ ...BASE, type: "transcoder", model }, "x.toml").model;
  assert.equal(parsed.hookpoint, "blocks.1.mlp.hook_in");
  assert.equal(parsed.hookpoint_out, "blocks.1.hook_mlp_out");
});
