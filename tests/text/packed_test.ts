// Packed corpora and tables: members one after the other, files that are cut short, columns of a parquet file.
import assert from "assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { SdmError } from "../../lib/base/errors.ts";
import { openCorpus } from "../../lib/text/corpora.ts";
import { fileRanges } from "../../lib/text/file_ranges.ts";
import { openTable, tableTexts } from "../../lib/text/parquet.ts";
import { type ByteRanges, textForm } from "../../lib/text/text_files.ts";
import { withFolder } from "../files/folder.ts";

const PARQUET = new URL("fixtures/texts.parquet", import.meta.url).pathname;
const encode = (text: string) => new TextEncoder().encode(text);

async function texts(paths: string[], textField?: string): Promise<string[]> {
  const documents = await Array.fromAsync(openCorpus(paths, { textField }));
  return documents.map(({ text }) => text);
}

async function refused(work: Promise<unknown>, message: RegExp, hint?: RegExp): Promise<void> {
  const error = await work.then(() => assert.fail("it must be refused"), (error) => error);
  assert.ok(error instanceof SdmError, String(error?.stack));
  assert.match(error.message, message);
  if (hint) assert.match(error.hint ?? "", hint);
}

Deno.test("gzip and zstd files of several members are read to their end, and cut ones are refused", () =>
  withFolder(async (folder) => {
    const lines = Array.from({ length: 3000 }, (_, i) => `{"text":"line ${i} ${Math.sin(i)}"}\n`);
    const [a, b] = [lines.slice(0, 1000), lines.slice(1000)].map((part) => encode(part.join("")));
    const wanted = lines.map((line) => JSON.parse(line).text);
    for (const [ending, pack] of [["gz", gzipSync], ["zst", zstdCompressSync]] as const) {
      const path = `${folder}/two.jsonl.${ending}`;
      const bytes = new Uint8Array([...pack(a), ...pack(b)]);
      await Deno.writeFile(path, bytes);
      assert.deepEqual(await texts([path]), wanted, ending);
      for (const cut of [10, bytes.length - 20]) {
        await Deno.writeFile(path, bytes.subarray(0, cut));
        await refused(texts([path]), /two\.jsonl\..*": it is damaged or cut short, a whole/);
      }
      await Deno.writeFile(path, encode("no archive at all"));
      await refused(texts([path]), /damaged or cut short/);
    }
    await Deno.writeFile(`${folder}/one.txt.zst`, zstdCompressSync(encode("a text")));
    assert.deepEqual(await texts([`${folder}/one.txt.zst`]), ["a text"]);
  }));

Deno.test("endings tell how a file holds text", () => {
  assert.deepEqual(textForm("a/b.JSONL.zst"), { kind: "jsonl", packing: "zstd" });
  assert.deepEqual(textForm("c4.json.gz"), { kind: "jsonl", packing: "gzip" });
  assert.deepEqual(textForm("x.parquet"), { kind: "parquet", packing: undefined });
  assert.equal(textForm("x.parquet.gz"), undefined);
  assert.equal(textForm("x.csv"), undefined);
});

Deno.test("a parquet file is one document a row, without the empty ones, in a folder among others", () =>
  withFolder(async (folder) => {
    await Deno.copyFile(PARQUET, `${folder}/b.parquet`);
    await Deno.writeTextFile(`${folder}/a.txt`, "first");
    await Deno.writeTextFile(`${folder}/config.json`, "{}");
    const documents = await Array.fromAsync(openCorpus([folder]));
    assert.equal(documents.length, 60, "a text, and 59 of 60 rows");
    assert.equal(documents[0].text, "first");
    assert.match(documents[1].text, /^\w+( \w+){23}\.$/);
    const name = folder.split("/").at(-1);
    assert.equal(documents[7].source, `${name}/b.parquet:7`);
    assert.equal(documents[8].source, `${name}/b.parquet:9`, "the eighth row has no text");
    assert.deepEqual((await texts([PARQUET], "title")).slice(0, 2), ["t0", "t1"]);
    await refused(texts([PARQUET], "txt"), /no column "txt"/, /did you mean "text"/);
    await refused(texts([PARQUET], "id"), /column "id" holds no texts/, /"text", "title"/);
    const bytes = await Deno.readFile(PARQUET);
    await Deno.writeFile(`${folder}/b.parquet`, bytes.subarray(0, 3000));
    await refused(texts([`${folder}/b.parquet`]), /b\.parquet": it is damaged or cut short/);
    const broken = bytes.slice();
    broken.fill(0, 400, 900);
    await Deno.writeFile(`${folder}/b.parquet`, broken);
    await refused(texts([`${folder}/b.parquet`]), /b\.parquet": it is damaged or cut short/);
  }));

Deno.test("a group of rows is read when it is reached, and only the column of texts", async () => {
  const disk = await fileRanges(PARQUET);
  const read: [number, number][] = [];
  const ranges: ByteRanges = {
    byteLength: disk.byteLength,
    slice(start, end = disk.byteLength) {
      read.push([start, end]);
      return disk.slice(start, end);
    },
  };
  const file = { path: PARQUET, name: "x", kind: "parquet" as const, bytes: disk.byteLength };
  const table = await openTable({ ...file, ranges: () => Promise.resolve(ranges) }, "text");
  const footer = read.length;
  let rows = 0;
  for await (const { row } of tableTexts(table)) {
    assert.equal(read.length, footer + 1 + Math.floor(row / 20));
    rows++;
  }
  assert.equal(rows, 59);
  const columns = read.slice(footer).reduce((sum, [start, end]) => sum + end - start, 0);
  assert.ok(columns < 0.8 * disk.byteLength, `${columns} of ${disk.byteLength} bytes`);
});
