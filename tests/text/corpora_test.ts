// Corpora: what counts as a document, in which order, and what a reader is told about a bad file.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { corpusFingerprint, type Document, openCorpus } from "../../lib/text/corpora.ts";

async function inFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function writeGzip(path: string, text: string): Promise<void> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(path, new Uint8Array(await new Response(packed).arrayBuffer()));
}

async function read(paths: string[], textField?: string): Promise<Document[]> {
  return await Array.fromAsync(openCorpus(paths, { textField }));
}

async function refused(paths: string[], message: RegExp, hint?: RegExp): Promise<void> {
  await assert.rejects(() => read(paths), (error: unknown) => {
    assert(error instanceof SdmError, String(error));
    assert.match(error.message, message);
    if (hint) assert.match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("a folder gives its text files sorted, at every depth, packed or not", async () => {
  await inFolder(async (dir) => {
    await Deno.mkdir(`${dir}/c/b`, { recursive: true });
    await Deno.writeTextFile(`${dir}/c/z.txt`, "last");
    await Deno.writeTextFile(
      `${dir}/c/b/one.jsonl`,
      '{"text":"two"}\n\n{"text":""}\n{"text":"three"}',
    );
    await writeGzip(`${dir}/c/a.txt.gz`, "one\nüß");
    await writeGzip(`${dir}/c/d.ndjson.gz`, '{"text":"four"}\r\n');
    await Deno.writeTextFile(`${dir}/c/readme.md`, "not text for us");
    await Deno.writeTextFile(`${dir}/c/.hidden.txt`, "hidden");
    const documents = await read([`${dir}/c/`]);
    assert.deepEqual(documents.map((d) => [d.text, d.source]), [
      ["one\nüß", "c/a.txt.gz"],
      ["two", "c/b/one.jsonl:1"],
      ["three", "c/b/one.jsonl:4"],
      ["four", "c/d.ndjson.gz:1"],
      ["last", "c/z.txt"],
    ]);
  });
});

Deno.test("lines and characters that span pieces of a stream come out whole", async () => {
  await inFolder(async (dir) => {
    // Longer than any piece that a file is read in, with characters of three bytes.
    const long = "→".repeat(300_001);
    const lines = [long, "short", long + "!"].map((text) => JSON.stringify({ body: text }));
    await Deno.writeTextFile(`${dir}/a.jsonl`, lines.join("\n"));
    const texts = (await read([`${dir}/a.jsonl`], "body")).map((d) => d.text);
    assert.deepEqual(texts.map((t) => t.length), [300_001, 5, 300_002]);
    assert.equal(texts[2], long + "!");
  });
});

Deno.test("a consumer that stops early leaves no file open", async () => {
  await inFolder(async (dir) => {
    await writeGzip(`${dir}/a.jsonl.gz`, '{"text":"x"}\n'.repeat(1000));
    // The sanitizer of Deno.test fails this test if the file stays open.
    for await (const document of openCorpus([dir])) {
      assert.equal(document.text, "x");
      break;
    }
  });
});

Deno.test("bad input is one sentence with file and line", async () => {
  await inFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.jsonl`, '{"text":"x"}\n{"text": tru\n');
    await refused(
      [`${dir}/a.jsonl`],
      /^Cannot read text ".*a\.jsonl:2": it is not JSON \(.*\), one/,
    );
    await Deno.writeTextFile(`${dir}/b.jsonl`, '{"txt":"x","id":3}\n');
    await refused([`${dir}/b.jsonl`], /b\.jsonl:1": it has no field "text"/, /did you mean "txt"/);
    await Deno.writeTextFile(`${dir}/c.jsonl`, "[1]\n");
    await refused([`${dir}/c.jsonl`], /c\.jsonl:1": it is not an object/);
    await Deno.writeFile(`${dir}/d.txt`, Uint8Array.of(65, 0xff, 65));
    await refused([`${dir}/d.txt`], /d\.txt": its bytes are not UTF-8/);
    await Deno.writeTextFile(`${dir}/e.txt.gz`, "this is not gzip");
    await refused([`${dir}/e.txt.gz`], /e\.txt\.gz": it is damaged or cut short/);
    await writeGzip(`${dir}/g.txt.gz`, "0123456789".repeat(9999));
    const whole = await Deno.readFile(`${dir}/g.txt.gz`);
    await Deno.writeFile(`${dir}/g.txt.gz`, whole.subarray(0, whole.length - 20));
    await refused([`${dir}/g.txt.gz`], /g\.txt\.gz": it is damaged or cut short/);
    await refused([`${dir}/d.text`], /it does not exist/, /"d\.txt"/);
    await Deno.writeTextFile(`${dir}/f.pdf`, "x");
    await refused([`${dir}/f.pdf`], /its ending is not one of text/);
    await Deno.mkdir(`${dir}/empty`);
    await refused([`${dir}/empty`], /holds no text file/);
    await Deno.writeTextFile(`${dir}/empty/a.txt`, "");
    await refused([`${dir}/empty`], /holds no text, at least one document/);
    await refused([], /no path holds no text file/);
  });
});

Deno.test("the fingerprint follows names and bytes, not the place", async () => {
  await inFolder(async (dir) => {
    for (const place of ["x", "y"]) {
      await Deno.mkdir(`${dir}/${place}/corpus`, { recursive: true });
      await Deno.writeTextFile(`${dir}/${place}/corpus/a.txt`, "alpha");
      await Deno.writeTextFile(`${dir}/${place}/corpus/b.txt`, "beta");
    }
    const x = await corpusFingerprint([`${dir}/x/corpus`]);
    assert.deepEqual(x, await corpusFingerprint([`${dir}/y/corpus/`]));
    assert.equal(x.files, 2);
    assert.equal(x.bytes, 9);
    // The same bytes cut elsewhere are another corpus.
    await Deno.writeTextFile(`${dir}/y/corpus/a.txt`, "alphab");
    await Deno.writeTextFile(`${dir}/y/corpus/b.txt`, "eta");
    assert.notEqual(x.sha256, (await corpusFingerprint([`${dir}/y/corpus`])).sha256);
  });
});
