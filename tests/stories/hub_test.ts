/**
 * The story of someone who has nothing but two names: a model and a dataset of the hub. Train, measure, ask; then again
 * without network; then after a fetch that was broken off.
 */
import assert from "assert";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { withFolder } from "../files/folder.ts";
import { type Hub, type ServedRepo, startHub } from "../files/hub_server.ts";

const ROOT = new URL("../../", import.meta.url);
const MODEL = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", DATA = "b".repeat(40);
const fixture = (path: string) => Deno.readFile(new URL(`tests/${path}`, ROOT));

interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs the program as someone would who has this hub and this cache, and no more. */
async function sdm(hub: string, cache: string, args: string[], more = {}): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL("main.ts", ROOT).pathname, ...args],
    cwd: ROOT.pathname,
    env: {
      NO_COLOR: "1",
      NO_PROXY: "127.0.0.1",
      HF_ENDPOINT: hub,
      HF_HUB_CACHE: cache,
      HF_TOKEN: "hf_test",
      ...more,
    },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** A tokenizer of single letters, for the tiny model's vocabulary of 64. */
function letters(): string {
  const symbols = [..."abcdefghijklmnopqrstuvwxyz.,0123456789"];
  const vocab = Object.fromEntries(
    ["<|endoftext|>", "Ġ", ...symbols].map((token, id) => [token, id]),
  );
  const bytes = { type: "ByteLevel", add_prefix_space: false, use_regex: true };
  return JSON.stringify({
    version: "1.0",
    added_tokens: [{ id: 0, content: "<|endoftext|>", special: true }],
    normalizer: null,
    pre_tokenizer: bytes,
    post_processor: null,
    decoder: bytes,
    model: { type: "BPE", vocab, merges: [] },
  });
}

async function modelRepo(): Promise<ServedRepo> {
  const onnx = await fixture("onnx/fixtures/gpt2_external.onnx");
  const data = await fixture("onnx/fixtures/gpt2_external.onnx_data");
  return {
    commit: MODEL,
    token: "hf_test",
    files: {
      "README.md": "---\n---\n",
      "config.json": JSON.stringify({
        model_type: "gpt2",
        eos_token_id: 0,
        "transformers.js_config": { use_external_data_format: true },
      }),
      "tokenizer.json": letters(),
      "tokenizer_config.json": '{"eos_token":"<|endoftext|>"}',
      "onnx/model.onnx": onnx,
      "onnx/gpt2_external.onnx_data": data,
      "onnx/model.onnx_data": data,
    },
  };
}

async function dataRepo(): Promise<ServedRepo> {
  const parquet = await fixture("text/fixtures/texts.parquet");
  const lines = Array.from(
    { length: 40 },
    (_, i) => JSON.stringify({ body: `line ${i} of the sea` }),
  );
  const packed = new TextEncoder().encode(lines.join("\n"));
  return {
    commit: DATA,
    files: {
      "README.md": "---\n---\n",
      "data/0.parquet": parquet,
      "data/1.parquet": parquet,
      "packed/0.jsonl.zst": zstdCompressSync(packed),
      "packed/1.jsonl.gz": gzipSync(packed),
    },
    configs: [
      { config_name: "default", data_files: "data/*.parquet" },
      { config_name: "packed", data_files: [{ split: "train", path: "packed/*" }] },
    ],
  };
}

async function withHub(run: (hub: Hub, folder: string) => Promise<void>): Promise<void> {
  const repos = {
    "models/test/tiny-onnx": await modelRepo(),
    "datasets/test/corpus": await dataRepo(),
  };
  await withFolder(async (folder) => {
    await using hub = startHub(repos);
    await run(hub, folder);
  });
}

const SHAPE = [
  ...["--hookpoint", "blocks.0.hook_resid_post", "--context-size", "16", "--d-sae", "32"],
  ...["--k", "4", "--batch-tokens", "64", "--eval-tokens", "128", "--no-eval"],
];

Deno.test("story: a model and a dataset by their names, then without network, then resumed", () =>
  withHub(async (hub, folder) => {
    const cache = join(folder, "cache"), run = join(folder, "run");
    const names = ["--model", "test/tiny-onnx", "--dataset", "test/corpus"];
    const train = (out: string, more: string[] = []) => [
      ...["train", ...names, ...SHAPE, "--training-tokens", "512", "--output-path", out],
      ...more,
    ];
    const first = await sdm(hub.url, cache, train(run));
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /^Trained 8 steps: .*fvu/);
    assert.match(first.err, /fetch model\.onnx_data 34\.9 KiB|fetch model\.onnx_data/);

    const manifest = JSON.parse(await Deno.readTextFile(join(run, "manifest.json")));
    const { id, revision, config, split, read, sha256 } = manifest.data.data;
    assert.deepEqual([id, revision, config, split], ["test/corpus", DATA, "default", "train"]);
    assert.deepEqual(read.map(({ path }: { path: string }) => path), ["data/0.parquet"]);
    assert.equal(manifest.data_sha256, sha256);
    assert.equal(manifest.provenance.model_name, "test/tiny-onnx");
    const written = JSON.parse(await Deno.readTextFile(join(run, "config.json")));
    assert.equal(written.model.hub, `test/tiny-onnx@${MODEL}`);
    assert.equal(written.data.dataset, `test/corpus@${DATA}`);
    const asked = hub.seen.map(({ path }) => path);
    assert.ok(!asked.some((path) => path.endsWith("data/1.parquet")), "no file that is not read");
    assert.ok(hub.seen.filter(({ host }) => host === "cdn").every((s) => !s.authorization));

    // Without network, everything is in the cache.
    const gone = "http://127.0.0.1:9";
    const again = join(folder, "again");
    const half = await sdm(gone, cache, train(again, ["--stop-after-step", "4"]), {
      HF_HUB_OFFLINE: "1",
    });
    assert.equal(half.code, 130, half.err);
    // Model and dataset have moved on meanwhile: a run goes on with what it began with.
    hub.repos["models/test/tiny-onnx"].commit = "c".repeat(40);
    hub.repos["datasets/test/corpus"].commit = "d".repeat(40);
    const resumed = await sdm(hub.url, cache, train(again, ["--resume"]));
    assert.equal(resumed.code, 0, resumed.err);
    const weights = (run: string) => Deno.readFile(join(run, "final", "sae_weights.safetensors"));
    assert.deepEqual(await weights(again), await weights(run), "the same bits");
    const measured = await sdm(gone, cache, ["eval", run, "--offline", "--json"]);
    assert.equal(measured.code, 0, measured.err);
    assert.ok(JSON.parse(measured.out).evalTokens > 0);
    const encoded = await sdm(gone, cache, ["encode", run, "the sea", "--offline"]);
    assert.equal(encoded.code, 0, encoded.err);
    const missing = await sdm(gone, cache, ["hooks", "test/other", "--offline"]);
    assert.equal(missing.code, 2);
    assert.match(
      missing.err,
      /^Cannot fetch model "test\/other": it is not in the cache ".*", and the network is turned off\n/,
    );
  }));

Deno.test("story: a fetch that breaks off goes on, packed lines are read, a model of the hub has its table", () =>
  withHub(async (hub, folder) => {
    const cache = join(folder, "cache");
    hub.faults.push({ file: "onnx/model.onnx", dropAfter: 30_000, always: true });
    hub.faults.push({ file: "onnx/model.onnx", status: 404 });
    const broken = await sdm(hub.url, cache, ["hooks", "test/tiny-onnx"], { HF_TOKEN: "" });
    assert.equal(broken.code, 2);
    assert.match(
      broken.err,
      /model "test\/tiny-onnx": the hub answers 401, a token is needed\nHint/,
    );
    hub.faults.length = 0;
    hub.faults.push({ file: "onnx/model.onnx", dropAfter: 30_000 }, {
      file: "onnx/model.onnx",
      status: 404,
    });
    const half = await sdm(hub.url, cache, ["hooks", "test/tiny-onnx"]);
    assert.equal(half.code, 2, half.out);
    const table = await sdm(hub.url, cache, ["hooks", "test/tiny-onnx", "--json"]);
    assert.equal(table.code, 0, table.err);
    assert.equal(JSON.parse(table.out).layers, 2);
    const ranges = hub.seen.filter(({ range }) => range).map(({ range }) => range);
    assert.ok(ranges.includes("bytes=30000-"), String(ranges));

    const store = join(folder, "store");
    const flags = ["--dataset", "test/corpus:packed", "--text-field", "body", "--out", store];
    const harvest = ["harvest", "--model", "test/tiny-onnx", ...SHAPE.slice(0, 4), ...flags];
    const wrong = await sdm(hub.url, cache, [...harvest, "--text-field", "text"]);
    assert.match(wrong.err, /0\.jsonl\.zst:1": it has no field "text"[^]*"body"/);
    const made = await sdm(hub.url, cache, [...harvest, "--json"]);
    assert.equal(made.code, 0, made.err);
    const manifest = JSON.parse(await Deno.readTextFile(join(store, "manifest.json")));
    assert.equal(manifest.data.files, 2, "both packed files");
    assert.equal(manifest.model.id, "test/tiny-onnx");
    assert.equal(manifest.model.revision, MODEL);
  }));
