import assert from "assert";
import { join } from "node:path";
import { TYPES } from "../../lib/config/names.ts";
import { sdm } from "./_sdm.ts";

const MODEL = "models/demo/model.onnx";

Deno.test("help needs no arguments and lists the commands", async () => {
  const { code, out, err } = await sdm([]);
  assert.equal(code, 0);
  assert.equal(err, "");
  for (const name of ["doctor", "hooks", "harvest", "train", "eval", "report", "encode"]) {
    assert.match(out, new RegExp(`^  ${name} +\\S`, "m"));
  }
});

Deno.test("what --help loads is light: no schema, no GPU, no model runtime", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "lib/commands/run.ts"],
    cwd: new URL("../../", import.meta.url).pathname,
  }).output();
  interface Info {
    roots: string[];
    modules: {
      specifier: string;
      dependencies?: { isDynamic?: boolean; code?: { specifier?: string } }[];
    }[];
  }
  const info: Info = JSON.parse(new TextDecoder().decode(stdout));
  const byName = new Map(info.modules.map((module) => [module.specifier, module]));
  const loaded = new Set<string>();
  const open = [...info.roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (loaded.has(name)) continue;
    loaded.add(name);
    for (const { isDynamic, code } of byName.get(name)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) open.push(code.specifier);
    }
  }
  const names = [...loaded].join("\n");
  assert.match(names, /commander/);
  assert.doesNotMatch(names, /zod|onnxruntime|lib\/(gpu|onnx|text|train|data)\//);
});

Deno.test("a command's help shows every key of the configuration with its default", async () => {
  const { code, out } = await sdm(["train", "--help"]);
  assert.equal(code, 0);
  const plain = out.replace(/\s+/g, " ");
  assert.match(plain, /--batch-tokens <value> Rows of one step \(tokens, default: 2048\)/);
  assert.match(plain, /--no-drop-first/);
  assert.match(plain, /\[optimizer\]:/);
});

Deno.test("mistakes on the command line are one sentence, a hint and exit code 2", async () => {
  const cases: [string[], RegExp][] = [
    [["trian"], /^Unknown command "trian": did you mean "train"\?\nHint: sdm --help\n$/],
    [["train", "--lrr", "4"], /^Unknown option "--lrr" of "sdm train": did you mean "--lr"\?\n/],
    [["train", "--batch_size=4"], /^Unknown option "--batch-size".*train.batch_tokens, in tokens/],
    [["hooks"], /^Cannot run "sdm hooks": argument "model" is missing, it is needed\n/],
    [
      ["hooks", "a", "b"],
      /^Cannot run "sdm hooks": it is given 2 arguments, at most 1 can be given\n/,
    ],
    [["doctor", "a"], /^Cannot run "sdm doctor": it is given 1 argument, none is needed\n/],
    [
      ["hooks", "a", "--dtype", "f"],
      /^Cannot read option "--dtype": it is "f", one of fp32, .* is/,
    ],
    [["harvest"], /^Cannot run "sdm harvest": option "--out <folder>" is missing, it is needed\n/],
    [["train", "--lr"], /^Cannot read option "--lr <value>": it has no value, one is needed\n/],
    [["train"], /^Cannot use the command line: no model and no activation store/],
    [["train", "--resume", "--overwrite"], /both --resume and --overwrite are given/],
    [["train", "--set", "lr"], /^Cannot read --set "lr": no "=" in it/],
  ];
  await Promise.all(cases.map(async ([args, pattern]) => {
    const { code, out, err } = await sdm(args);
    assert.match(err, pattern, args.join(" "));
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "");
  }));
});

Deno.test("mistakes in files name the file and what would be right", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "run.toml");
    await Deno.writeTextFile(file, "[optimizer]\nlr_warmup = 3\n");
    const unknown = await sdm(["train", file]);
    assert.equal(
      unknown.err,
      'Unknown key "optimizer.lr_warmup" in "run.toml": did you mean "lr_warm_up_steps"?\n',
    );
    assert.equal(unknown.code, 2);
    const missing = await sdm(["train", join(folder, "no.toml")]);
    assert.match(missing.err, /^Cannot read config ".*no.toml": it does not exist/);
    const empty = await sdm(["eval", folder]);
    assert.match(empty.err, /^Cannot open dictionary "/);
    assert.equal(empty.code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("flags, aliases and --set reach the configuration", async () => {
  const { code, out } = await sdm([
    ...["train", "models/demo/demo.toml", "--num_latents=64", "--k", "4", "--no-drop-first"],
    ...["--set", "optimizer.betas=0.5,0.9", "--text", "a.txt", "--text", "b,c.txt"],
    ...["--print-config", "--json"],
  ]);
  assert.equal(code, 0);
  const config = JSON.parse(out);
  assert.equal(config.dictionary.d_sae, 64);
  assert.equal(config.dictionary.k, 4);
  assert.equal(config.data.drop_first, false);
  assert.deepEqual(config.optimizer.betas, [0.5, 0.9]);
  assert.deepEqual(config.data.text.map((path: string) => path.split("/").at(-1)), [
    "a.txt",
    "b,c.txt",
  ]);
  assert.equal(config.model.hookpoint, "blocks.2.hook_resid_post");
});

Deno.test("hooks lists the demo model's hookpoints, and refuses what is no model", async () => {
  const { code, out } = await sdm(["hooks", MODEL, "--json"]);
  assert.equal(code, 0);
  const { hookpoints, layers } = JSON.parse(out);
  assert.equal(layers, 4);
  const point = hookpoints.find((p: { name: string }) => p.name === "blocks.2.hook_resid_post");
  assert.equal(point.d, 192);
  const wrong = await sdm(["hooks", "deno.json"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /^Cannot read ONNX model "deno.json": /);
});

Deno.test("a reader that goes away ends the program quietly", async () => {
  const script = `"${Deno.execPath()}" run -A --quiet main.ts hooks ${MODEL} --all | head -n 1`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: new URL("../../", import.meta.url).pathname,
  }).output();
  assert.match(new TextDecoder().decode(stdout), /^model /);
  assert.equal(new TextDecoder().decode(stderr), "");
});

Deno.test("doctor says what it found, and its exit code agrees", async () => {
  const { code, out } = await sdm(["doctor", "--json"]);
  const facts = JSON.parse(out);
  assert.equal(code, facts.usable ? 0 : 2);
  assert.equal(facts.providers.wasm, null, "the wasm provider is always there");
  assert.ok(facts.cores >= 1 && facts.memory.total > 0 && facts.disk_free > 0);
  assert.ok("name" in facts.adapter || facts.adapter.advice.length > 0);
  assert.deepEqual(
    facts.families.map(({ type }: { type: string }) => type).sort(),
    [...TYPES].sort(),
  );
  for (const { type, formula, source, options } of facts.families) {
    assert.ok(formula && source && options.length > 10, type);
  }
});
