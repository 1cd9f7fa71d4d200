import assert from "assert";
import { join } from "node:path";
import { SdmError } from "../../lib/base/errors.ts";
import { loadConfig, parseConfigText, toToml } from "../../lib/config/load.ts";
import { applyOverrides, parseSet, readFlag } from "../../lib/config/overrides.ts";
import { findKey } from "../../lib/config/place.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const TOML = `seed = 3
[model]
onnx = "model.onnx"
hookpoint = "blocks.0.hook_resid_post"
[data]
text = ["corpus/a.txt", "/abs/b.txt"]
[dictionary]
expansion_factor = 8
`;

Deno.test("paths of a file are relative to its folder, the run's folder bears its name", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "demo.toml");
    await Deno.writeTextFile(file, TOML);
    const config = await loadConfig({ file });
    assert.equal(config.model.onnx, join(folder, "model.onnx"));
    assert.deepEqual(config.data.text, [join(folder, "corpus/a.txt"), "/abs/b.txt"]);
    assert.equal(config.output_path, join(Deno.cwd(), "runs/demo"));
    assert.equal(config.seed, 3);
  });
});

Deno.test("flags hold over the file, and drop what they exclude", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "demo.toml");
    await Deno.writeTextFile(file, TOML);
    const overrides = [
      parseSet("d_sae=100"),
      parseSet("optimizer.lr-warm-up-steps=5"),
      parseSet("data.activations=store"),
      parseSet("optimizer.lr=1e-4"),
      parseSet("lr=2e-4"),
    ];
    const config = await loadConfig({ file, overrides });
    assert.equal(config.dictionary.d_sae, 100);
    assert.equal(config.dictionary.expansion_factor, undefined);
    assert.equal(config.data.text, undefined);
    assert.equal(config.data.activations, join(Deno.cwd(), "store"));
    assert.equal(config.optimizer.lr, 2e-4);
    assert.equal(config.optimizer.lr_warm_up_steps, 5);
  });
});

Deno.test("TOML written from a configuration reads back the same, from a run's folder too", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "demo.toml");
    await Deno.writeTextFile(file, TOML);
    const config = await loadConfig({ file });
    await Deno.writeTextFile(join(folder, "again.toml"), toToml(config));
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    assert.deepEqual(plain(await loadConfig({ file: join(folder, "again.toml") })), plain(config));
    await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify(config));
    assert.deepEqual(plain(await loadConfig({ file: folder })), plain(config));
  });
});

Deno.test("files that cannot be read are refused in one sentence", async () => {
  await inFolder(async (folder) => {
    const missing = loadConfig({ file: join(folder, "no.toml") });
    await assert.rejects(missing, /^SdmError: Cannot read config ".*no.toml": [^\n]*$/);
    await assert.rejects(loadConfig({ file: folder }), /no config.json in it/);
  });
  const broken = () => parseConfigText("seed = 1\n[train\n", "bad.toml");
  assert.throws(broken, /^SdmError: Cannot read config "bad.toml": line 2, column \d+ [^\n]*$/);
  assert.throws(() => parseConfigText("{", "bad.json"), /"bad.json": .*JSON is needed$/);
});

Deno.test("the text of a flag becomes the kind of value that its key needs", () => {
  const read = (name: string, text: string) => readFlag(findKey(name)!, text);
  assert.equal(read("training-tokens", "1_000_000"), 1_000_000);
  assert.equal(read("lr", "auto"), "auto");
  assert.equal(read("drop-first", "false"), false);
  assert.equal(read("prepend_bos", "auto"), "auto");
  assert.deepEqual(read("betas", "0.9,0.99"), [0.9, 0.99]);
  assert.deepEqual(read("exclude_tokens", "0,5"), [0, 5]);
  assert.equal(read("exclude_tokens", "special"), "special");
  assert.deepEqual(read("text", "a,b.txt"), ["a,b.txt"]);
  assert.deepEqual(read("text", '["a","b"]'), ["a", "b"]);
  assert.equal(read("hookpoint", "7"), "7");
});

Deno.test("--set refuses a missing equals sign and unknown keys", () => {
  assert.throws(
    () => parseSet("lr"),
    (error: unknown) =>
      error instanceof SdmError && /no "=" in it/.test(error.message) && error.hint !== undefined,
  );
  assert.throws(() => parseSet("optimizer.lrr=1"), /Unknown key "optimizer.lrr" in "--set".*"lr"/);
  assert.throws(() => parseSet("train.lr=1"), /did you mean "optimizer.lr"/);
});

Deno.test("an override given together with what it excludes drops nothing", () => {
  const placed = applyOverrides(new Map(), [parseSet("d_sae=10"), parseSet("expansion_factor=2")]);
  assert.equal(placed.size, 2);
});
