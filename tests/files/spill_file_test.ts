// A temporary file: what was written is read back from anywhere, and nothing is left behind.
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { openSpillFile } from "../../lib/files/spill_file.ts";
import { withFolder } from "./folder.ts";

const left = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("a spill file gives back any stretch of its bytes and leaves no file behind", () =>
  withFolder((folder) => {
    const before = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", folder);
    try {
      const file = openSpillFile();
      if (Deno.build.os !== "windows") assert.deepEqual(left(folder), [], "gone even if killed");
      const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) % 251);
      const got = new Uint8Array(1000);
      for (let at = 0; at < bytes.length; at += 12_500) {
        file.append(bytes.subarray(at, at + 12_500));
        file.read(at, got); // reading does not move where the next bytes go
        assert.deepEqual(got, bytes.slice(at, at + 1000));
      }
      for (const at of [0, 99_000, 12_345]) {
        file.read(at, got);
        assert.deepEqual(got, bytes.slice(at, at + 1000));
      }
      assert.throws(() => file.read(99_001, got), RangeError);
      file.close();
      file.close();
      assert.deepEqual(left(folder), []);
      Deno.env.set("TMPDIR", `${folder}/missing`);
      assert.throws(() => openSpillFile(), SdmError);
    } finally {
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
    }
    return Promise.resolve();
  }));
