// The hub: what is fetched is whole, is fetched once, goes on after every break, and lies where other programs look for it.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import type { ProgressEvent } from "../../lib/base/progress.ts";
import { globPattern, openDataset } from "../../lib/files/hub_dataset.ts";
import { fetchFile } from "../../lib/files/hub_download.ts";
import { fetchModel, pickOnnx } from "../../lib/files/hub_model.ts";
import {
  hubOrigin,
  looksLikeHub,
  parseDatasetName,
  parseModelName,
} from "../../lib/files/hub_names.ts";
import { hubRanges } from "../../lib/files/hub_ranges.ts";
import { openRepo } from "../../lib/files/hub_repo.ts";
import { type HubContext, type HubSettings, hubSettings } from "../../lib/files/hub_settings.ts";
import { withFolder } from "./folder.ts";
import { gitHash, type Hub, type ServedRepo, sha256Of, startHub } from "./hub_server.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);

const tiny = (): ServedRepo => ({
  commit: COMMIT,
  files: {
    "README.md": "a card",
    "config.json": '{"model_type":"gpt2"}',
    "tokenizer.json": '{"model":{}}',
    "onnx/model.onnx": WEIGHTS.subarray(0, 1000),
    "onnx/model.onnx_data": WEIGHTS,
    "onnx/model_q4.onnx": WEIGHTS.subarray(0, 500),
  },
});

interface Place {
  hub: Hub;
  context: HubContext;
  events: ProgressEvent[];
  cache: string;
}

async function withHub(
  repos: Record<string, ServedRepo>,
  run: (place: Place) => Promise<void>,
  more: Partial<HubSettings> = {},
): Promise<void> {
  await withFolder(async (cache) => {
    await using hub = startHub(repos);
    const events: ProgressEvent[] = [];
    const settings = { endpoint: hub.url, cache, offline: false, timeoutMs: 3000, ...more };
    const context = { settings, onProgress: (event: ProgressEvent) => void events.push(event) };
    await run({ hub, context, events, cache });
  });
}

async function refused(work: Promise<unknown>, message: RegExp, hint?: RegExp): Promise<void> {
  const error = await work.then(() => assert.fail("it must be refused"), (error) => error);
  assert.ok(error instanceof SdmError, String(error?.stack));
  assert.match(error.message, message);
  if (hint) assert.match(error.hint ?? "", hint);
}

const asks = (hub: Hub, end: string) => hub.seen.filter(({ path }) => path.endsWith(end));

Deno.test("names of the hub are told from paths, and read with revision, configuration and split", () => {
  assert.deepEqual(parseModelName("a/b@refs/pr/1"), { id: "a/b", revision: "refs/pr/1" });
  assert.deepEqual({ ...parseDatasetName("hf:a/b-c@v1.0:sample-10BT/train") }, {
    id: "a/b-c",
    revision: "v1.0",
    config: "sample-10BT",
    split: "train",
  });
  assert.equal(parseDatasetName("a/b/test").split, "test");
  for (const path of ["model.onnx", "a/model.onnx", "./a/b", "/a/b", "../a/b", "a/b/c.parquet"]) {
    assert.equal(looksLikeHub(path), false, path);
  }
  for (const name of ["a/b", "a/b@main", "hf:gpt2", "a/b:c/train"]) {
    assert.ok(looksLikeHub(name), name);
  }
  assert.throws(() => parseModelName("hf:"), SdmError);
  assert.throws(() => parseModelName("hf:a/b@x/../../y"), SdmError);
  assert.throws(() => parseDatasetName("a/b/c/d"), /owner\/name:config/);
  assert.deepEqual(
    hubOrigin(`/x/models--own-er--na--me/snapshots/${COMMIT}/onnx/model.onnx`),
    { id: "own-er/na--me", revision: COMMIT, file: "onnx/model.onnx" },
  );
  assert.equal(hubOrigin("/x/models/model.onnx"), undefined);
});

Deno.test("settings are those of Hugging Face's own tools", async () => {
  await withFolder(async (home) => {
    const read = (env: Record<string, string>) => hubSettings((name) => env[name]);
    const plain = await read({ HOME: home });
    assert.equal(plain.cache, `${home}/.cache/huggingface/hub`);
    assert.equal(plain.endpoint, "https://huggingface.co");
    assert.deepEqual([plain.token, plain.offline], [undefined, false]);
    assert.equal((await read({ HOME: home, HF_HOME: "~/hf" })).cache, `${home}/hf/hub`);
    assert.equal((await read({ HF_HOME: "/hf", HF_HUB_CACHE: "/c/" })).cache, "/c");
    await Deno.writeTextFile(`${home}/token`, "hf_file\n");
    assert.equal((await read({ HF_HOME: home })).token, "hf_file");
    assert.equal((await read({ HF_HOME: home, HF_TOKEN: " hf_env " })).token, "hf_env");
    const implicit = { HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" };
    assert.equal((await read(implicit)).token, undefined);
    assert.ok((await read({ HOME: home, HF_HUB_OFFLINE: "yes" })).offline);
    assert.equal((await read({ HF_ENDPOINT: "http://h:1/" })).endpoint, "http://h:1");
    await refused(read({ HF_ENDPOINT: "h" }), /Cannot use HF_ENDPOINT "h": it is no address/);
  });
});

Deno.test("a model lies in the standard layout, is fetched once, and opens without network", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context, events, cache }) => {
    const model = await fetchModel(context, { id: "own/tiny" });
    const repo = `${cache}/models--own--tiny`;
    assert.equal(model.onnx, `${repo}/snapshots/${COMMIT}/onnx/model.onnx`);
    assert.equal(model.tokenizer, `${repo}/snapshots/${COMMIT}/tokenizer.json`);
    assert.equal(model.name.revision, COMMIT);
    assert.equal(await Deno.readTextFile(`${repo}/refs/main`), COMMIT);
    const data = `${repo}/snapshots/${COMMIT}/onnx/model.onnx_data`;
    assert.equal(await Deno.readLink(data), `../../../blobs/${sha256Of(WEIGHTS)}`);
    assert.deepEqual(await Deno.readFile(data), WEIGHTS);
    const config = new TextEncoder().encode('{"model_type":"gpt2"}');
    const small = await Deno.readLink(`${repo}/snapshots/${COMMIT}/config.json`);
    assert.equal(small, `../../blobs/${gitHash(config)}`);
    assert.equal(asks(hub, "model_q4.onnx").length, 0, "other precisions are not fetched");
    assert.equal(asks(hub, "README.md").length, 0);
    const stage = events.filter(({ stage }) => stage === "fetch model.onnx_data");
    assert.equal(stage[0].done, 0);
    assert.deepEqual(stage.at(-1)!.done, WEIGHTS.length);
    assert.ok(stage.every(({ total, unit }) => total === WEIGHTS.length && unit === "bytes"));

    const sent = hub.sent();
    await fetchModel(context, { id: "own/tiny" });
    assert.equal(hub.sent(), sent, "nothing is fetched twice");
    const asked = hub.seen.length;
    await fetchModel(context, model.name);
    assert.equal(hub.seen.length, asked, "a commit needs no network");
    const offline = { ...context, settings: { ...context.settings, offline: true } };
    assert.deepEqual(await fetchModel(offline, { id: "own/tiny" }), model);
    assert.equal(hub.seen.length, asked);
    await refused(
      fetchModel(offline, { id: "own/tiny" }, "q4"),
      /"onnx\/model_q4\.onnx" of model "own\/tiny" at 01234567: it is not in the cache/,
      /without --offline/,
    );
    await refused(fetchModel(offline, { id: "own/other" }), /network is turned off/);
    // Another program's cache has no listing of ours.
    await Deno.remove(`${repo}/sdm`, { recursive: true });
    assert.deepEqual(await fetchModel(offline, { id: "own/tiny" }), model);
  }));

Deno.test("a hub that does not answer leaves the cache as it is in use", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ context }) => {
    const model = await fetchModel(context, { id: "own/tiny" });
    const gone = { ...context, settings: { ...context.settings, endpoint: "http://127.0.0.1:9" } };
    assert.deepEqual(await fetchModel(gone, { id: "own/tiny" }), model);
    await refused(fetchModel(gone, { id: "own/new" }), /3 tries in a row failed/, /HF_ENDPOINT/);
  }));

Deno.test("a dropped connection goes on where it stopped, and so does another process", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context, events, cache }) => {
    const repo = await openRepo(context, "model", { id: "own/tiny" });
    const file = (await repo.files("")).find(({ path }) => path.endsWith("_data"))!;
    // What an earlier process left.
    const blob = `${cache}/models--own--tiny/blobs/${file.etag}`;
    await Deno.mkdir(`${cache}/models--own--tiny/blobs`, { recursive: true });
    await Deno.writeFile(`${blob}.incomplete`, WEIGHTS.subarray(0, 50_000));
    hub.faults.push({ file: "_data", dropAfter: 100_000 }, { file: "_data", status: 503 });
    const path = await fetchFile(context, repo, file);
    assert.deepEqual(await Deno.readFile(path), WEIGHTS);
    const ranges = hub.seen.filter(({ host }) => host === "cdn").map(({ range }) => range);
    assert.deepEqual(ranges, ["bytes=50000-", "bytes=150000-", "bytes=150000-"]);
    assert.equal(hub.sent(), 250_000, "no byte twice");
    assert.ok(events.some(({ figures }) => /503/.test(String(figures?.["try again"]))));
    await assert.rejects(Deno.stat(`${blob}.incomplete`), Deno.errors.NotFound);
  }));

Deno.test("the hub's answers are asked for again when they are refused for now or break off", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context }) => {
    hub.faults.push({ file: "/revision/main", status: 429 });
    hub.faults.push({ file: `/tree/${COMMIT}`, status: 500 }, {
      file: `/tree/${COMMIT}`,
      dropAfter: 5,
    });
    const model = await fetchModel(context, { id: "own/tiny" });
    assert.equal(model.name.revision, COMMIT);
    assert.equal(hub.seen.filter(({ path }) => path.includes("/tree/")).length, 4, "two pages");
    assert.equal(hub.seen.filter(({ path }) => path.includes("/revision/")).length, 2);
  }));

Deno.test("a disk without room is told before anything is fetched", () =>
  withHub(
    { "models/own/huge": { ...tiny(), sizes: { "onnx/model.onnx_data": 1e18 } } },
    async ({ hub, context }) => {
      await refused(
        fetchModel(context, { id: "own/huge" }),
        /"onnx\/model\.onnx_data".*the disk of ".*" has .* free, .* are needed/,
        /HF_HUB_CACHE/,
      );
      assert.equal(hub.seen.filter(({ host }) => host === "cdn").length, 0);
    },
  ));

Deno.test("a server without ranges, a silent one, and a wrong rest of an earlier process are overcome", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context, cache }) => {
    const repo = await openRepo(context, "model", { id: "own/tiny" });
    const [file] = (await repo.files("")).filter(({ path }) => path.endsWith("_data"));
    const blobs = `${cache}/models--own--tiny/blobs`;
    hub.faults.push({ file: "_data", hangAfter: 1000 }, { file: "_data", ignoreRange: true });
    const path = await fetchFile(context, repo, file);
    assert.deepEqual(await Deno.readFile(path), WEIGHTS);
    await Deno.remove(`${blobs}/${file.etag}`);
    await Deno.writeFile(`${blobs}/${file.etag}.incomplete`, new Uint8Array(2000));
    assert.deepEqual(await Deno.readFile(await fetchFile(context, repo, file)), WEIGHTS);
  }, { timeoutMs: 300 }));

Deno.test("a wrong checksum is refused and nothing of it stays", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context, cache }) => {
    hub.faults.push({ file: "model.onnx", wrong: true });
    await refused(
      fetchModel(context, { id: "own/tiny" }),
      /"onnx\/model\.onnx" of model "own\/tiny": its SHA-256 is [0-9a-f]{64}, the hub says/,
    );
    const left = await Array.fromAsync(Deno.readDir(`${cache}/models--own--tiny/blobs`));
    assert.ok(!left.some(({ name }) => name.endsWith(".incomplete")));
    hub.faults.push({ file: "config.json", wrong: true });
    await Deno.remove(`${cache}/models--own--tiny/blobs`, { recursive: true });
    await refused(fetchModel(context, { id: "own/tiny" }), /config\.json.*its git hash is/);
    assert.match((await fetchModel(context, { id: "own/tiny" })).onnx, /model\.onnx$/);
  }));

Deno.test("the token goes to the hub and never to where it redirects", () => {
  const repo = { ...tiny(), token: "hf_secret" };
  return withHub({ "models/own/tiny": repo }, async ({ hub, context }) => {
    await refused(
      fetchModel(context, { id: "own/tiny" }),
      /answers 401, a token is needed/,
      /HF_TOKEN/,
    );
    const settings = { ...context.settings, token: "hf_secret" };
    await fetchModel({ ...context, settings }, { id: "own/tiny" });
    const cdn = hub.seen.filter(({ host }) => host === "cdn");
    assert.ok(cdn.length > 0 && cdn.every(({ authorization }) => authorization === undefined));
    assert.ok(
      hub.seen.some(({ host, authorization }) =>
        host === "hub" && authorization === "Bearer hf_secret"
      ),
    );
  });
});

Deno.test("what the hub refuses or lacks is one sentence with a way out", () => {
  const plain: ServedRepo = { commit: COMMIT, files: { "model.safetensors": "x" } };
  const repos = {
    "models/own/gated": { ...tiny(), gated: true },
    "models/own/plain": plain,
    "models/onnx-community/plain-ONNX": tiny(),
    "models/own/tiny": tiny(),
  };
  return withHub(repos, async ({ context }) => {
    const open = (id: string, dtype?: "fp16", revision?: string) =>
      fetchModel(context, { id, revision }, dtype);
    await refused(
      open("own/gated"),
      /refuses \(403\), it is gated/,
      /accept its licence.*HF_TOKEN/,
    );
    await refused(open("own/tinny"), /nothing of that name/, /did you mean "own\/tiny"/);
    await refused(open("own/tiny", undefined, "v9"), /"own\/tiny@v9": there is no such revision/);
    await refused(open("own/tiny", "fp16"), /it has no fp16 file/, /fp32, q4/);
    await refused(
      open("own/plain"),
      /it holds no ONNX file/,
      /did you mean "onnx-community\/plain-ONNX"/,
    );
  });
});

Deno.test("an ONNX file is picked by precision, and by itself where it is the only one", () => {
  const paths = ["onnx/model.onnx", "onnx/model_q4f16.onnx", "onnx/decoder_model_merged.onnx"];
  assert.equal(pickOnnx(paths, "it"), "onnx/model.onnx");
  assert.equal(pickOnnx(paths, "it", "q4f16"), "onnx/model_q4f16.onnx");
  assert.equal(pickOnnx(["x/only.onnx"], "it"), "x/only.onnx");
  assert.equal(pickOnnx(paths.slice(2), "it"), "onnx/decoder_model_merged.onnx");
  assert.throws(() => pickOnnx(["a.onnx", "b.onnx"], "it"), /which of its 2 ONNX files/);
});

Deno.test("two that fetch the same at once fetch it once", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context }) => {
    await Promise.all([1, 2, 3].map(() => fetchModel(context, { id: "own/tiny" })));
    assert.equal(hub.seen.filter(({ host }) => host === "cdn").length, 2);
  }));

Deno.test("a stop in the middle keeps what came", () =>
  withHub({ "models/own/tiny": tiny() }, async ({ hub, context, cache }) => {
    hub.faults.push({ file: "_data", hangAfter: 200_000 });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const stopped = { ...context, signal: stop.signal };
    const error = await fetchModel(stopped, { id: "own/tiny" }).catch((error) => error);
    assert.equal(error.exitCode, 130, String(error));
    const partial = `${cache}/models--own--tiny/blobs/${sha256Of(WEIGHTS)}.incomplete`;
    assert.equal((await Deno.stat(partial)).size, 200_000);
  }));

Deno.test("pieces of a file are fetched as ranges, kept, and checked when they are read again", () =>
  withHub(
    { "datasets/own/data": { commit: COMMIT, files: { "a.parquet": WEIGHTS } } },
    async (place) => {
      const { hub, context, cache } = place;
      const repo = await openRepo(context, "dataset", { id: "own/data" });
      const [file] = await repo.files("");
      const ranges = hubRanges(context, repo, file);
      hub.faults.push({ file: "a.parquet", dropAfter: 1000 });
      const piece = (start: number, end: number) => WEIGHTS.slice(start, end);
      const read = async (from: typeof ranges, start: number, end: number) =>
        new Uint8Array(await from.slice(start, end));
      assert.deepEqual(await read(ranges, 1000, 9000), piece(1000, 9000));
      assert.equal(hub.sent(), 8000);
      assert.deepEqual(await read(ranges, 2000, 3000), piece(2000, 3000));
      assert.equal(ranges.fetchedBytes(), 8000, "a part of a piece is at hand");
      const off = { ...context, settings: { ...context.settings, offline: true } };
      const offline = hubRanges(off, repo, file);
      assert.deepEqual(await read(offline, 1000, 9000), piece(1000, 9000));
      await refused(read(offline, 0, 10), /"a\.parquet" of dataset "own\/data".*not in the cache/);
      const folder = `${cache}/datasets--own--data/sdm/ranges/${file.etag}`;
      const [{ name }] = await Array.fromAsync(Deno.readDir(folder));
      await Deno.writeFile(`${folder}/${name}`, new Uint8Array(8000));
      assert.deepEqual(
        await read(ranges, 1000, 9000),
        piece(1000, 9000),
        "a changed piece is replaced",
      );
      hub.faults.push({ file: "a.parquet", ignoreRange: true });
      await refused(read(ranges, 20_000, 20_010), /ranges are needed/, /--dataset-whole/);
    },
  ));

Deno.test("files of a dataset: by its card, else by their names", () => {
  const text = "x";
  const card: ServedRepo = {
    commit: COMMIT,
    files: Object.fromEntries(
      ["README.md", "data/b/0.parquet", "data/a/1.parquet", "sample/10BT/0.parquet", "eval.jsonl"]
        .map((path) => [path, text]),
    ),
    configs: [
      {
        config_name: "default",
        data_files: [{ split: "train", path: "data/*/*" }, { split: "test", path: ["*.jsonl"] }],
      },
      { config_name: "sample-10BT", data_files: [{ split: "train", path: "sample/10BT/*" }] },
      { config_name: "plain", data_dir: "data/a" },
    ],
  };
  const names: ServedRepo = {
    commit: COMMIT,
    files: {
      "README.txt": text,
      "dataset_infos.json": text,
      "en/c4-train.00001.json.gz": text,
      "en/c4-train.00000.json.gz": text,
      "en/c4-validation.json.gz": text,
      "de/c4-train.00000.json.gz": text,
    },
  };
  const bare = { commit: COMMIT, files: { "README.txt": text, "x.parquet": text } };
  const image = { commit: COMMIT, files: { "x.png": text } };
  const repos = {
    "datasets/own/card": card,
    "datasets/own/names": names,
    "datasets/own/bare": bare,
    "datasets/own/image": image,
  };
  return withHub(repos, async ({ context }) => {
    const files = async (name: string) => {
      const { files, config, split } = await openDataset(context, parseDatasetName(name));
      return [config, split, ...files.map(({ path }) => path)];
    };
    const data = ["data/a/1.parquet", "data/b/0.parquet"];
    assert.deepEqual(await files("own/card"), ["default", "train", ...data]);
    assert.deepEqual(await files("own/card/test"), ["default", "test", "eval.jsonl"]);
    assert.deepEqual((await files("own/card:sample-10BT"))[2], "sample/10BT/0.parquet");
    assert.deepEqual((await files("own/card:plain")).slice(2), ["data/a/1.parquet"]);
    await refused(files("own/card:sample"), /no configuration "sample"/, /"sample-10BT"/);
    await refused(files("own/card/dev"), /no split "dev"/, /train, test/);
    assert.deepEqual(await files("own/names:en"), [
      "en",
      "train",
      "en/c4-train.00000.json.gz",
      "en/c4-train.00001.json.gz",
    ]);
    assert.deepEqual((await files("own/names:en/validation"))[2], "en/c4-validation.json.gz");
    await refused(files("own/names:fr"), /no folder "fr"/);
    assert.deepEqual((await files("own/bare")).slice(2), ["x.parquet"]);
    await refused(files("own/image"), /no file of text that can be read/);
  });
});

Deno.test("patterns of paths", () => {
  const yes = (glob: string, path: string) => assert.ok(globPattern(glob).test(path), glob);
  const no = (glob: string, path: string) => assert.ok(!globPattern(glob).test(path), glob);
  yes("data/*/*", "data/a/b.parquet");
  no("data/*", "data/a/b.parquet");
  yes("**", "a/b/c");
  yes("**/train-*.parquet", "train-0.parquet");
  yes("**/train-*.parquet", "x/y/train-0.parquet");
  yes("en/{train,test}?.json[l]", "en/train1.jsonl");
  no("a.b", "axb");
  no("[!a]x", "ax");
});
