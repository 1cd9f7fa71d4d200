import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { SdmError } from "../../lib/base/errors.ts";
import {
  parseSafetensors,
  SafetensorsError,
  SafetensorsFile,
} from "../../lib/files/safetensors.ts";
import { encodeSafetensors, writeSafetensors } from "../../lib/files/safetensors_write.ts";
import { withFolder } from "./folder.ts";
import { sha256, sha256File } from "../../lib/files/hash.ts";

const encoder = new TextEncoder();

/** A file from header text (padding included) and data. */
function assemble(json: string | Uint8Array, data: number[] = [], length?: bigint) {
  const header = typeof json === "string" ? encoder.encode(json) : json;
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

function codeOf(bytes: Uint8Array<ArrayBuffer>, lenient = false): string {
  try {
    parseSafetensors(bytes, "x", { lenient });
    return "ok";
  } catch (error) {
    if (error instanceof SafetensorsError) return error.code;
    throw error;
  }
}

const zeros = (n: number) => new Array<number>(n).fill(0);
const entry = (dtype: string, shape: string, from: string | number, to: string | number) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

const first = assemble(
  '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  ',
  [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0],
);
const second = assemble(
  '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
    '"a":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}     ',
  [0, 0, 0, 0x3f, 0x80, 0x3f, 0, 0xc0],
);

Deno.test("the writer makes the bytes of the reference writer", () => {
  assert.equal(first.length, 72);
  assert.deepEqual(
    encodeSafetensors([{ name: "a", shape: [2], data: Float32Array.of(1, -2) }]),
    first,
  );
  assert.equal(second.length, 160);
  const written = encodeSafetensors([
    { name: "a", shape: [2], data: Float32Array.of(1, -2), dtype: "BF16" },
    { name: "b", shape: [1], data: Float32Array.of(0.5) },
  ], { metadata: { format: "pt" } });
  assert.deepEqual(written, second);
});

Deno.test("the reader reads the vectors, and BF16 as bits", () => {
  const one = parseSafetensors(first).tensors.get("a")!;
  assert.deepEqual([one.dtype, one.shape, [...one.data]], ["F32", [2], [1, -2]]);
  const { tensors, metadata } = parseSafetensors(second);
  assert.deepEqual([...tensors.keys()], ["b", "a"]);
  assert.deepEqual([...tensors.get("a")!.data], [0x3f80, 0xc000]);
  assert.equal(metadata.get("format"), "pt");
  assert.equal(codeOf(assemble("{}" + " ".repeat(14))), "ok");
  assert.equal(codeOf(assemble("{}")), "ok");
});

Deno.test("each check of the format has its own error, the reference's name", () => {
  const t = (json: string, data = 0) => codeOf(assemble(`{${json}}`, zeros(data)));
  const a = (dtype: string, shape: string, from: string | number, to: string | number) =>
    `"a":${entry(dtype, shape, from, to)}`;
  const bad = "InvalidHeaderDeserialization";
  assert.equal(codeOf(new Uint8Array(7)), "HeaderTooSmall");
  assert.equal(codeOf(assemble("", [], 0n)), bad);
  assert.equal(codeOf(assemble("{}", [], 2n ** 64n - 1n)), "HeaderTooLarge");
  assert.equal(codeOf(assemble("{}", [], 100_000_001n)), "HeaderTooLarge");
  assert.equal(codeOf(assemble("{}", [], 3n)), "InvalidHeaderLength");
  assert.equal(codeOf(assemble(Uint8Array.of(0x7b, 0xff, 0x7d))), "InvalidHeader");
  assert.equal(codeOf(assemble("{]")), bad);
  assert.equal(codeOf(assemble("[]")), bad);
  assert.equal(codeOf(assemble("{} x")), bad);
  assert.equal(t('"__metadata__":{"x":1}'), bad);
  assert.equal(t('"__metadata__":[]'), bad);
  assert.equal(t('"__metadata__":null'), "ok");
  assert.equal(t(a("f32", "[1]", 0, 4), 4), bad);
  assert.equal(t(a("F32", "[1.0]", 0, 4), 4), bad);
  assert.equal(t(a("F32", "[-1]", 0, 4), 4), bad);
  assert.equal(t(a("F32", "[1e0]", 0, 4), 4), bad);
  assert.equal(t(a("F32", "1", 0, 4), 4), bad);
  assert.equal(t('"a":{"dtype":"F32","shape":[1]}', 4), bad);
  assert.equal(t('"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}', 4), bad);
  assert.equal(t(a("F32", "[1]", 4, 8), 8), "InvalidOffset");
  assert.equal(
    t(`${a("F32", "[1]", 0, 4)},"b":${entry("F32", "[1]", 8, 12)}`, 12),
    "InvalidOffset",
  );
  assert.equal(t(`${a("F32", "[1]", 0, 4)},"b":${entry("F32", "[1]", 0, 4)}`, 4), "InvalidOffset");
  assert.equal(t(a("F32", "[9223372036854775808,2]", 0, 4), 4), "ValidationOverflow");
  assert.equal(t(a("F32", "[18446744073709551616]", 0, 4), 4), bad);
  assert.equal(t(a("F32", "[1152921504606846976]", 0, 4), 4), "ValidationOverflow");
  assert.equal(t(a("F4", "[1]", 0, 1), 1), "MisalignedSlice");
  assert.equal(t(a("F4", "[2]", 0, 1), 1), "ok");
  assert.equal(t(a("F32", "[2]", 0, 4), 4), "TensorInvalidInfo");
  assert.equal(t(a("F32", "[1]", 0, 4), 5), "MetadataIncompleteBuffer");
  assert.equal(t(a("F32", "[1]", 0, 4), 3), "MetadataIncompleteBuffer");
  assert.equal(t(a("F32", "[]", 0, 4), 4), "ok");
  assert.equal(t(a("F32", "[3,0]", 0, 0)), "ok");
});

Deno.test("the strict reader refuses duplicates, which the lenient one takes as the reference does", () => {
  const twice = `{"a":${entry("F32", "[9]", 0, 1)},"a":${entry("F32", "[1]", 0, 4)}}`;
  assert.equal(codeOf(assemble(twice, zeros(4))), "DuplicateKey");
  assert.equal(codeOf(assemble(twice, zeros(4)), true), "ok");
  const inside = '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  assert.equal(codeOf(assemble(inside, zeros(4)), true), "InvalidHeaderDeserialization");
  const rank = `{"a":${entry("F32", `[${zeros(33).join()}]`, 0, 0)}}`;
  assert.equal(codeOf(assemble(rank)), "LimitExceeded");
  assert.equal(codeOf(assemble(rank), true), "ok");
  const name = `{"${"n".repeat(4097)}":${entry("F32", "[0]", 0, 0)}}`;
  assert.equal(codeOf(assemble(name)), "LimitExceeded");
});

Deno.test("names of object members of JavaScript are names like others", () => {
  const bytes = encodeSafetensors(
    ["__proto__", "constructor", "10", "9", ""].map((name) => ({
      name,
      shape: [1],
      data: Float32Array.of(name.length),
    })),
  );
  const { tensors } = parseSafetensors(bytes);
  assert.deepEqual([...tensors.keys()], ["", "10", "9", "__proto__", "constructor"]);
  assert.equal(tensors.get("__proto__")!.data[0], 9);
});

Deno.test("tensors are ordered by type from wide to narrow, then by UTF-8 bytes of the name", () => {
  const one = (name: string, data: Parameters<typeof encodeSafetensors>[0][0]["data"]) => ({
    name,
    shape: [1],
    data,
  });
  const bytes = encodeSafetensors([
    one("u8", Uint8Array.of(1)),
    one("f16", new Float16Array(1)),
    { ...one("flag", Uint8Array.of(1)), dtype: "BOOL" },
    { ...one("bf16", new Uint16Array(1)), dtype: "BF16" },
    one("\u{1f600}", new Float32Array(1)),
    one("\ufb01", new Float32Array(1)), // before the emoji in UTF-8, after it in UTF-16
    one("i64", new BigInt64Array(1)),
    one("u32", new Uint32Array(1)),
    one("i32", new Int32Array(1)),
    one("f64", new Float64Array(1)),
  ]);
  const names = [...parseSafetensors(bytes).tensors.keys()];
  const expected = ["i64", "f64", "\ufb01", "\u{1f600}", "u32", "i32", "bf16", "f16", "u8", "flag"];
  assert.deepEqual(names, expected);
});

Deno.test("mutating any byte of a header gives the same tensors, other names or a named error", () => {
  const base = second;
  for (let at = 0; at < 152; at++) {
    for (const xor of [1, 0x20, 0x80]) {
      const bytes = base.slice();
      bytes[at] ^= xor;
      const code = codeOf(bytes);
      if (code !== "ok") continue;
      const data = [...parseSafetensors(bytes).tensors.values()].map((t) => [t.begin, t.end]);
      assert.deepEqual(data, [[0, 4], [4, 8]], `byte ${at}`);
    }
  }
});

Deno.test("a file cut at any length is refused", () => {
  for (let n = 0; n < second.length; n++) assert.notEqual(codeOf(second.slice(0, n)), "ok", `${n}`);
});

Deno.test("a written file has the bytes of the memory writer, the hash it reports, and reads by rows", () =>
  withFolder(async (folder) => {
    const stream = new RandomStream(1, "rows");
    const values = Float32Array.from({ length: 21 }, (_, i) => stream.normal(0, i));
    const doc = Uint32Array.from({ length: 7 }, (_, i) => i * 1000);
    const tensors = [
      { name: "f32", shape: [7, 3], data: values },
      { name: "f16", shape: [7, 3], data: values, dtype: "F16" as const },
      { name: "bf16", shape: [7, 3], data: values, dtype: "BF16" as const },
      { name: "f64", shape: [7, 3], data: Float64Array.from(values) },
      { name: "doc", shape: [7], data: doc },
    ];
    const path = `${folder}/deep/t.safetensors`;
    const result = await writeSafetensors(path, tensors, { metadata: { x: "y" }, alignment: 256 });
    const bytes = await Deno.readFile(path);
    assert.deepEqual(bytes, encodeSafetensors(tensors, { metadata: { x: "y" }, alignment: 256 }));
    assert.deepEqual(result, { bytes: bytes.length, sha256: sha256(bytes) });
    assert.equal(await sha256File(path), result.sha256);
    assert.deepEqual([...Deno.readDirSync(`${folder}/deep`)].map((e) => e.name), ["t.safetensors"]);

    using file = await SafetensorsFile.open(path);
    assert.equal(file.header.dataStart % 256, 0);
    assert.equal(file.metadata.get("x"), "y");
    const tolerance = { f32: 0, f64: 0, f16: 2 ** -11, bf16: 2 ** -8 };
    // All at once: reads that overlap must not disturb each other.
    await Promise.all(
      Object.entries(tolerance).map(async ([name, relative]) => {
        const part = await file.readFloat32(name, { firstRow: 2, rows: 3 });
        assert.equal(part.length, 9);
        part.forEach((v, i) =>
          assert.ok(Math.abs(v - values[6 + i]) <= relative * Math.abs(values[6 + i]), name)
        );
        assert.equal((await file.readFloat32(name)).length, 21);
      }),
    );
    assert.deepEqual([...await file.read("doc", { firstRow: 5 })], [5000, 6000]);
    const out = new Float32Array(3);
    await file.readFloat32("f32", { firstRow: 6 }, out);
    assert.deepEqual(out, values.slice(18));
    await assert.rejects(file.readFloat32("doc"), /its type is U32/);
    await assert.rejects(file.read("f32", { firstRow: 6, rows: 2 }), RangeError);
    assert.throws(() => file.info("f23"), (error: SdmError) => error.hint!.includes('"f32"'));
  }));

Deno.test("a tensor that arrives in pieces is converted and has to be as long as its shape says", () =>
  withFolder(async (folder) => {
    async function* pieces() {
      yield Float32Array.of(1, 2, 3);
      await Promise.resolve();
      yield Float32Array.of(4);
    }
    const tensor = { name: "x", shape: [4], dtype: "BF16" as const };
    await writeSafetensors(`${folder}/a`, [{ ...tensor, chunks: pieces() }]);
    using file = await SafetensorsFile.open(`${folder}/a`);
    assert.deepEqual([...await file.readFloat32("x")], [1, 2, 3, 4]);
    const wrong = writeSafetensors(`${folder}/b`, [{ ...tensor, shape: [5], chunks: pieces() }]);
    await assert.rejects(wrong, /has 4 elements, its shape \[5\] needs 5/);
    assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name), ["a"]);
  }));

Deno.test("a value that F16 cannot hold is an error with its place, and no file is left", () =>
  withFolder(async (folder) => {
    const data = Float32Array.of(1, -65504, 70000);
    await assert.rejects(
      writeSafetensors(`${folder}/a`, [{ name: "x", shape: [3], data, dtype: "F16" }]),
      { name: "SdmError", message: /element 2 of tensor "x" is 70000, at most 65504 fits F16/ },
    );
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a file that is missing, a folder or not safetensors is one sentence", () =>
  withFolder(async (folder) => {
    await assert.rejects(SafetensorsFile.open(`${folder}/none`), {
      message: `Cannot read "${folder}/none": it does not exist, an existing file is needed`,
    });
    await assert.rejects(SafetensorsFile.open(folder), SdmError);
    await Deno.writeFile(`${folder}/cut`, second.slice(0, 155));
    await assert.rejects(SafetensorsFile.open(`${folder}/cut`), {
      message: `Cannot read safetensors "${folder}/cut": its header describes 160 bytes, ` +
        "the file has 155 (cut short?) (MetadataIncompleteBuffer)",
    });
  }));

Deno.test("random sets of tensors survive the round trip", () => {
  const stream = new RandomStream(7, "round trip");
  for (let n = 0; n < 50; n++) {
    const tensors = Array.from({ length: stream.below(6, n, 0) }, (_, i) => {
      const shape = Array.from(
        { length: stream.below(4, n, 10 + i) },
        (_, j) => stream.below(4, n, 100 + 10 * i + j),
      );
      const length = shape.reduce((a, b) => a * b, 1);
      const data = stream.below(2, n, 50 + i)
        ? Float32Array.from({ length }, (_, j) => stream.normal(n, 1000 * i + j))
        : Int8Array.from({ length }, (_, j) => stream.below(256, n, 1000 * i + j) - 128);
      return { name: `t${i}\u00e9"\n`, shape, data };
    });
    const back = parseSafetensors(encodeSafetensors(tensors)).tensors;
    assert.equal(back.size, tensors.length);
    for (const { name, shape, data } of tensors) {
      assert.deepEqual(back.get(name)!.shape, shape);
      assert.deepEqual(back.get(name)!.data, data);
    }
  }
});
