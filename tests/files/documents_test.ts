import assert from "assert";
import type { SdmError } from "../../lib/base/errors.ts";
import { exists, readJson, readTextFile, readToml } from "../../lib/files/documents.ts";
import { JsonLinesWriter, readJsonLines } from "../../lib/files/json_lines.ts";
import { sha256, sha256File } from "../../lib/files/hash.ts";
import { withFolder } from "./folder.ts";

Deno.test("a missing file brings the nearest names of its folder", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/config.toml`, "");
    await assert.rejects(readTextFile(`${folder}/confg.toml`, "config"), (error: SdmError) => {
      const message = `Cannot read config "${folder}/confg.toml": it does not exist, ` +
        "an existing file is needed";
      assert.equal(error.message, message);
      assert.equal(error.hint, 'did you mean "config.toml"?');
      return true;
    });
    await assert.rejects(
      readTextFile(`${folder}/no/x`),
      (error: SdmError) => error.hint === `the folder "${folder}/no" does not exist either`,
    );
    await assert.rejects(readTextFile(folder), /it is a folder, a file is needed/);
    assert.equal(await exists(`${folder}/config.toml`), true);
    assert.equal(await exists(`${folder}/config.toml/x`), false);
  }));

Deno.test("a JSON mistake has its file, line and column", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.json`;
    const problem = async (text: string | Uint8Array) => {
      await Deno.writeFile(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
      return await readJson(path).then(() => "read", (e) => e.message.replace(`"${path}"`, "F"));
    };
    const comma =
      'Cannot read F: line 2, column 8 has "}" where a key is needed, valid JSON is needed';
    assert.equal(await problem('{\n "a":1,}'), comma);
    assert.match(await problem('{"a":'), /line 1, column 6 has its end where a value is needed/);
    assert.equal(await problem(" \n"), "Cannot read F: it is empty, valid JSON is needed");
    assert.match(await problem(Uint8Array.of(0xff)), /its bytes are not UTF-8/);
    await Deno.writeTextFile(path, '\ufeff{"a":[1]}');
    assert.deepEqual(await readJson(path), { a: [1] });
  }));

Deno.test("a TOML mistake has its file, line and column", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.toml`;
    await Deno.writeTextFile(path, "[train]\nlr = 1e-4\nseed = 3 4\n");
    await assert.rejects(readToml(path), (error: SdmError) => {
      assert.ok(error.message.startsWith(`Cannot read "${path}": line 3, column `), error.message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
    await Deno.writeTextFile(path, "[train]\nlr = 1e-4\n");
    assert.deepEqual(await readToml(path), { train: { lr: 1e-4 } });
  }));

Deno.test("SHA-256 of parts, of a text and of a file agree with the published value", () =>
  withFolder(async (folder) => {
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(sha256("a", Uint8Array.of(98, 99)), abc);
    await Deno.writeTextFile(`${folder}/x`, "abc");
    assert.equal(await sha256File(`${folder}/x`), abc);
    await assert.rejects(sha256File(`${folder}/y`), /it does not exist/);
  }));

Deno.test("JSON lines are appended, and a resumed run keeps what its predicate keeps", () =>
  withFolder(async (folder) => {
    const path = `${folder}/m.jsonl`;
    using writer = await JsonLinesWriter.open(path);
    for (let step = 0; step < 5; step++) writer.append({ step, loss: step === 3 ? NaN : 1 / 3 });
    writer.close();
    assert.throws(() => writer.append({}), TypeError);
    // A crash in the middle of a line.
    await Deno.writeTextFile(path, '{"step":5,"lo', { append: true });
    assert.equal((await readJsonLines(path)).length, 5);
    const keep = (value: unknown) => (value as { step: number }).step <= 3;
    using again = await JsonLinesWriter.open(path, keep);
    again.append({ step: 4 });
    again.close();
    const third = 1 / 3;
    assert.deepEqual(await readJsonLines(path), [
      { step: 0, loss: third },
      { step: 1, loss: third },
      { step: 2, loss: third },
      { step: 3, loss: null },
      { step: 4 },
    ]);
  }));

Deno.test("opening JSON lines for appending mends a torn last line and changes nothing else", () =>
  withFolder(async (folder) => {
    const path = `${folder}/m.jsonl`;
    await Deno.writeTextFile(path, '{"a": 1}\n');
    (await JsonLinesWriter.open(path)).close();
    assert.equal(await Deno.readTextFile(path), '{"a": 1}\n');
    await Deno.writeTextFile(path, '{"a":1}\n{"a":2');
    (await JsonLinesWriter.open(path)).close();
    assert.equal(await Deno.readTextFile(path), '{"a":1}\n');
    await Deno.writeTextFile(path, '{"a":1}\noops\n{"a":2}\n');
    await assert.rejects(readJsonLines(path), {
      message: `Cannot read "${path}:2": line 1, column 1 has "o" where a value is needed, ` +
        "valid JSON is needed",
    });
  }));

Deno.test({
  name: "a full disk while appending is one sentence",
  ignore: Deno.build.os !== "linux", // needs /dev/full
  fn: () =>
    withFolder(async (folder) => {
      await Deno.symlink("/dev/full", `${folder}/m.jsonl`);
      using writer = await JsonLinesWriter.open(`${folder}/m.jsonl`);
      assert.throws(() => writer.append({}), /the disk is full/);
    }),
});
