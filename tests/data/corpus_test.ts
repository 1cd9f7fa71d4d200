// The text of a run out of a dataset: only what is read is fetched, the same words and the same hash each time.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import type { ProgressEvent } from "../../lib/base/progress.ts";
import { hubCorpus } from "../../lib/data/corpus.ts";
import { withFolder } from "../files/folder.ts";
import { type Hub, startHub } from "../files/hub_server.ts";

const COMMIT = "e".repeat(40);

async function withDataset(run: (hub: Hub) => Promise<void>): Promise<void> {
  const parquet = await Deno.readFile(
    new URL("../text/fixtures/texts.parquet", import.meta.url),
  );
  const files = {
    "train-0.parquet": parquet,
    "train-1.parquet": parquet,
    "test.jsonl": '{"text":"held out"}\n',
  };
  await withFolder(async (cache) => {
    await using hub = startHub({ "datasets/own/data": { commit: COMMIT, files } });
    const before = ["HF_ENDPOINT", "HF_HUB_CACHE", "HF_TOKEN"].map((name) =>
      [name, Deno.env.get(name)] as const
    );
    Deno.env.set("HF_ENDPOINT", hub.url);
    Deno.env.set("HF_HUB_CACHE", cache);
    Deno.env.set("HF_TOKEN", "hf_test");
    try {
      await run(hub);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
  });
}

Deno.test("a reader that stops early has fetched what it read, and says so", () =>
  withDataset(async (hub) => {
    const events: ProgressEvent[] = [];
    const open = (whole = false) =>
      hubCorpus({ name: "own/data", whole }, "text", (event) => events.push(event));
    const read = async (count: number, whole?: boolean) => {
      const corpus = await open(whole);
      const texts: string[] = [];
      for await (const { text } of corpus.documents()) {
        if (texts.push(text) === count) break;
      }
      corpus.onProgress({ stage: "tokenise", done: 1, unit: "tokens" });
      return { texts, facts: await corpus.facts() };
    };
    const few = await read(5);
    assert.ok(!hub.seen.some(({ path }) => path.endsWith("train-1.parquet")));
    assert.match(String(events[0].figures?.fetched), /KiB|B/);
    assert.deepEqual(few.facts.read, [{
      path: "train-0.parquet",
      size: 4405,
      hash: (few.facts.read as { hash: string }[])[0].hash,
    }]);
    assert.deepEqual([few.facts.revision, few.facts.split], [COMMIT, "train"]);

    const all = await read(1000);
    assert.equal(all.texts.length, 2 * 59);
    assert.deepEqual(all.texts.slice(0, 5), few.texts);
    assert.notEqual(all.facts.sha256, few.facts.sha256, "more files were read");
    const sent = hub.sent();
    assert.deepEqual((await read(1000)).facts, all.facts);
    assert.equal(hub.sent(), sent, "pieces are kept");
    assert.deepEqual(await read(1000, true), all, "whole files hold the same words");

    const heldOut = await hubCorpus({ name: "own/data", split: "test" }, "text", () => {});
    assert.equal((await Array.fromAsync(heldOut.documents()))[0].text, "held out");
  }));

Deno.test("one Ctrl-C ends a fetch that hangs", () =>
  withDataset(async (hub) => {
    hub.faults.push({ file: "train-0.parquet", hangAfter: 100, always: true });
    for (const whole of [true, false]) {
      const control = new AbortController();
      const { signal } = control;
      const corpus = await hubCorpus({ name: "own/data", whole }, "text", () => {}, { signal });
      setTimeout(() => control.abort(), 100);
      await assert.rejects(
        () => Array.fromAsync(corpus.documents()),
        (error: unknown) => error instanceof SdmError && error.exitCode === 130,
      );
    }
  }));

Deno.test("a dataset that is larger than one reads by mistake needs a limit", () =>
  withDataset(async (hub) => {
    hub.repos["datasets/own/large"] = {
      commit: COMMIT,
      files: { "train.txt": "x" },
      sizes: { "train.txt": 5e12 },
    };
    const open = (maxTokens?: number) =>
      hubCorpus({ name: "own/large" }, "text", () => {}, { maxTokens });
    const error = await open().then(() => assert.fail("it must be refused"), (error) => error);
    assert.ok(error instanceof SdmError);
    assert.match(
      error.message,
      /Cannot read all of dataset "own\/large": its 1 files have 4\.55 TiB/,
    );
    assert.match(error.hint ?? "", /--max-tokens/);
    await open(1000);
  }));
