import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import {
  AtomicFile,
  removeFile,
  removeFolder,
  writeError,
  writeFileAtomic,
  writeFolderAtomic,
} from "../../lib/files/atomic.ts";
import { ensureFreshFolder } from "../../lib/files/fresh_folder.ts";
import { withFolder } from "./folder.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map((e) => e.name).sort();

Deno.test("writeFileAtomic() makes parents, replaces the old file and leaves nothing else", () =>
  withFolder(async (folder) => {
    await writeFileAtomic(`${folder}/a/b/x.txt`, "old");
    await writeFileAtomic(`${folder}/a/b/x.txt`, new TextEncoder().encode("new"));
    assert.equal(await Deno.readTextFile(`${folder}/a/b/x.txt`), "new");
    assert.deepEqual(names(`${folder}/a/b`), ["x.txt"]);
  }));

Deno.test("an AtomicFile has its name only after commit(), and none after abort() or an error", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/x`, "old");
    await assert.rejects(async () => {
      await using file = await AtomicFile.create(`${folder}/x`);
      await file.write("half");
      assert.deepEqual(names(folder), ["x", "x.partial"]);
      throw new Error("stop");
    }, /stop/);
    assert.equal(await Deno.readTextFile(`${folder}/x`), "old");
    assert.deepEqual(names(folder), ["x"]);
    const file = await AtomicFile.create(`${folder}/x`);
    await file.write("ab");
    await file.write(Uint8Array.of(99));
    assert.equal(file.written, 3);
    await file.commit();
    await file.abort();
    assert.equal(await Deno.readTextFile(`${folder}/x`), "abc");
    await assert.rejects(file.write("more"), TypeError);
  }));

Deno.test("two writers of one path do not mix, and the last commit wins", () =>
  withFolder(async (folder) => {
    const texts = ["a".repeat(100_000), "b".repeat(100_000)];
    await Promise.all(texts.map((text) => writeFileAtomic(`${folder}/x`, text)));
    assert.ok(texts.includes(await Deno.readTextFile(`${folder}/x`)));
    assert.deepEqual(names(folder), ["x"]);
  }));

Deno.test({
  name: "a full disk is one sentence, and neither a part nor the loss of the old file",
  ignore: Deno.build.os !== "linux", // needs /dev/full
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/x`, "old");
      await Deno.symlink("/dev/full", `${folder}/x.partial`);
      await assert.rejects(writeFileAtomic(`${folder}/x`, "data"), {
        name: "SdmError",
        message: `Cannot write "${folder}/x": the disk is full after 0 B of it, ` +
          "more free space is needed",
        exitCode: 2,
      });
      assert.equal(await Deno.readTextFile(`${folder}/x`), "old");
      assert.deepEqual(names(folder), ["x"]);
    }),
});

Deno.test("other refusals of the system are named", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(writeFileAtomic(`${folder}/file/x`, ""), /a part of its path is a file/);
    await Deno.mkdir(`${folder}/dir/in`, { recursive: true });
    await assert.rejects(writeFileAtomic(`${folder}/dir`, ""), SdmError);
    assert.deepEqual(names(folder), ["dir", "file"]);
    const readOnly = Object.assign(new Error("Read-only file system"), { code: "EROFS" });
    assert.match(
      writeError("x", readOnly).message,
      /^Cannot write "x": the file system is read-only/,
    );
    const denied = new Deno.errors.PermissionDenied("no");
    assert.match(writeError("x", denied).message, /access is denied/);
    const own = new SdmError("mine");
    assert.equal(writeError("x", own), own);
  }));

Deno.test("writeFolderAtomic() replaces a folder whole, and keeps the old one when filling fails", () =>
  withFolder(async (folder) => {
    const path = `${folder}/step-1`;
    await writeFolderAtomic(path, (tmp) => Deno.writeTextFile(`${tmp}/a`, "1"));
    const failing = writeFolderAtomic(path, async (tmp) => {
      await Deno.writeTextFile(`${tmp}/b`, "2");
      throw new RangeError("stop");
    });
    await assert.rejects(failing, RangeError);
    assert.deepEqual([names(folder), names(path)], [["step-1"], ["a"]]);
    const answer = await writeFolderAtomic(path, async (tmp) => {
      assert.ok(tmp.endsWith(".partial"));
      await Deno.writeTextFile(`${tmp}/c`, "3");
      return 7;
    });
    assert.equal(answer, 7);
    assert.deepEqual([names(folder), names(path)], [["step-1"], ["c"]]);
  }));

Deno.test("ensureFreshFolder() refuses a folder that holds a run, and empties it of that run only", () =>
  withFolder(async (folder) => {
    const path = `${folder}/run`;
    await ensureFreshFolder(path);
    await Deno.writeTextFile(`${path}/notes.txt`, "mine");
    await ensureFreshFolder(path);
    await Deno.writeTextFile(`${path}/config.json`, "{}");
    await Deno.mkdir(`${path}/checkpoints/step-1`, { recursive: true });
    await assert.rejects(ensureFreshFolder(path), (error: SdmError) => {
      const message = `Cannot write to "${path}": it already holds a run ("config.json"), ` +
        "an empty or new folder is needed";
      assert.equal(error.message, message);
      assert.match(error.hint!, /--resume.*--overwrite/);
      return true;
    });
    assert.deepEqual(names(path), ["checkpoints", "config.json", "notes.txt"]);
    await ensureFreshFolder(path, { overwrite: true });
    assert.deepEqual(names(path), ["notes.txt"]);
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(ensureFreshFolder(`${folder}/file`), SdmError);
  }));

Deno.test("removing a file or a folder that is not there is no error", () =>
  withFolder(async (folder) => {
    await writeFileAtomic(`${folder}/a/x`, "");
    await removeFile(`${folder}/a/x`);
    await removeFile(`${folder}/a/x`);
    assert.deepEqual(names(`${folder}/a`), []);
    await writeFileAtomic(`${folder}/a/x`, "");
    await removeFolder(`${folder}/a`);
    await removeFolder(`${folder}/a`);
    assert.deepEqual(names(folder), []);
  }));

Deno.test("a writer that is done leaves alone the temporary file of another one of the same name", () =>
  withFolder(async (folder) => {
    const path = `${folder}/file`;
    const first = await AtomicFile.create(path);
    await first.write("first");
    await first.commit();
    const second = await AtomicFile.create(path);
    assert.equal(second.partial, first.partial);
    await second.write("second");
    await first.abort();
    await second.commit();
    assert.equal(await Deno.readTextFile(path), "second");
  }));
