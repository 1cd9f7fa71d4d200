import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { tapOutputs } from "../../lib/onnx/edit.ts";
import { bindWeights } from "../../lib/onnx/external.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import { intField, sizedField } from "../../lib/onnx/protobuf.ts";
import { readModel } from "../../lib/onnx/read.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { reference } from "../../lib/onnx/skim.ts";
import { tensorFloats } from "../../lib/onnx/tensors.ts";
import { attribute, model, node, value, weight } from "./build.ts";
import { fixture } from "./oracle.ts";

const WIDTH = 160;
const IDS = Int32Array.of(3, 5, 1, 2);

/** Weights of more than 64 KiB in the main graph, in a Constant and in both branches of an If. */
function bigModel(): Uint8Array<ArrayBuffer> {
  const square = (name: string, step: number) =>
    weight(
      name,
      [WIDTH, WIDTH],
      Array.from({ length: WIDTH * WIDTH }, (_, i) => Math.sin(i * step)),
    );
  const branch = (name: string, step: number) => [
    node("MatMul", ["x", name], [`${name}_y`]),
    square(name, step),
    sizedField(2, name),
    value(12, `${name}_y`, 1),
  ];
  const [tensor] = [square("", 0.7)].map((field) => field.subarray(1));
  const constant = sizedField(5, [
    sizedField(1, "value"),
    Uint8Array.of(5 * 8 + 2, ...tensor),
    Uint8Array.of(160, 1, 4),
  ]);
  return model([
    node("Gather", ["table", "input_ids"], ["x"]),
    node("Constant", [], ["inner"], [constant]),
    node("MatMul", ["x", "inner"], ["z"]),
    node("Cast", ["flag"], ["truth"], [attribute("to", 9)]),
    node("If", ["truth"], ["y"], [
      attribute("then_branch", branch("then", 0.3)),
      attribute("else_branch", branch("else", 0.9)),
    ]),
    node("Add", ["y", "z"], ["sum"]),
    square("table", 0.1),
    weight("flag", [1], [1]),
    value(11, "input_ids", 7, ["batch", "length"]),
    value(12, "sum", 1),
  ]);
}

async function sums(path: string, provider: "cpu" | "wasm"): Promise<Float32Array> {
  const runner = await createRunner({ model: path, taps: ["sum"], provider });
  const [sum] = await runner.run(IDS, 2, 2);
  await runner.close();
  return sum;
}

async function inFolder(check: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("large weights stay in the file, wherever they are in the graph", async () => {
  await inFolder(async (folder) => {
    const bytes = bigModel(), path = `${folder}/big.onnx`;
    await Deno.writeFile(path, bytes);
    const skimmed = await loadModel(path);
    assert.ok(bytes.length > 4 * WIDTH * WIDTH * 4 && skimmed.bytes.length < 2000);
    const table = skimmed.initializers.get("table")!;
    assert.equal(table.external?.location, "big.onnx");
    const whole = parseModel(bytes, "m");
    assert.deepEqual(
      tensorFloats(skimmed, table),
      tensorFloats(whole, whole.initializers.get("table")!),
    );
    const wanted = await createRunner({ model: whole, taps: ["sum"], provider: "cpu" });
    const [sum] = await wanted.run(IDS, 2, 2);
    await wanted.close();
    assert.deepEqual(await sums(path, "cpu"), sum, "cpu");
    const web = await sums(path, "wasm");
    assert.ok(web.every((x, i) => Math.abs(x - sum[i]) < 1e-3), "wasm");
  });
});

Deno.test("a runtime that opens files is given names, one that does not only what is needed", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/big.onnx`, square = 4 * WIDTH * WIDTH;
    await Deno.writeFile(path, bigModel());
    const { model: tapped } = tapOutputs(await loadModel(path), ["z"]);
    const named = await bindWeights(tapped, true);
    assert.deepEqual(named.externalData, []);
    assert.equal(named.folder, `${await Deno.realPath(folder)}/`);
    assert.ok(named.bytes.length < 2000);
    const given = await bindWeights(tapped, false);
    assert.equal(given.externalData.length, 1);
    assert.equal(given.externalData[0].data.length, 2 * square, "not the weights of the branches");
  });
});

Deno.test("a hub's cache of symbolic links is read, file and data each from another place", async () => {
  await inFolder(async (folder) => {
    const snapshot = `${folder}/snapshots/abc/onnx`;
    await Deno.mkdir(snapshot, { recursive: true });
    await Deno.mkdir(`${folder}/blobs/deeper`, { recursive: true });
    for (const [name, blob] of [["", "1f"], ["_data", "deeper/2e"]]) {
      await Deno.copyFile(fixture(`gpt2_external.onnx${name}`), `${folder}/blobs/${blob}`);
      await Deno.symlink(`../../../blobs/${blob}`, `${snapshot}/gpt2_external.onnx${name}`);
    }
    const path = `${snapshot}/gpt2_external.onnx`;
    for (const provider of ["cpu", "wasm"] as const) {
      const runs = [path, fixture("gpt2_external.onnx")].map(async (file) => {
        const runner = await createRunner({ model: file, taps: ["logits"], provider });
        const [logits] = await runner.run(IDS, 2, 2);
        await runner.close();
        return logits;
      });
      const [linked, plain] = await Promise.all(runs);
      assert.deepEqual(linked, plain, provider);
    }
  });
});

Deno.test("weights inside a linked file are mapped from where the link leads", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/blobs`);
    await Deno.mkdir(`${folder}/snapshots`);
    await Deno.writeFile(`${folder}/blobs/1f`, bigModel());
    const path = `${folder}/snapshots/model.onnx`;
    await Deno.symlink("../blobs/1f", path);
    assert.deepEqual(await sums(path, "cpu"), await sums(`${folder}/blobs/1f`, "cpu"));
    const { model: tapped } = tapOutputs(await loadModel(path), ["z"]);
    const { folder: bound } = await bindWeights(tapped, true);
    assert.equal(bound, `${await Deno.realPath(folder)}/blobs/`);
  });
});

Deno.test("a data file of 5 GiB is read where the weights are", async () => {
  await inFolder(async (folder) => {
    const offset = 4.5 * 2 ** 30, values = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    {
      using data = await Deno.open(`${folder}/far.data`, { write: true, create: true });
      await data.truncate(5 * 2 ** 30);
      await data.seek(offset, Deno.SeekMode.Start);
      await data.write(new Uint8Array(values.buffer));
    }
    const table = sizedField(5, [
      ...[4, 2].map((dim) => intField(1, dim)),
      intField(2, 1),
      sizedField(8, "table"),
      reference("far.data", offset, 32),
    ]);
    const path = `${folder}/m.onnx`;
    const graph = [node("Gather", ["table", "input_ids"], ["sum"]), table];
    const ends = [value(11, "input_ids", 7, ["batch", "length"]), value(12, "sum", 1)];
    await Deno.writeFile(path, model([...graph, ...ends]));
    const wanted = [7, 8, 3, 4, 5, 6];
    for (const provider of ["cpu", "wasm"] as const) {
      const runner = await createRunner({ model: path, taps: ["sum"], provider });
      const [sum] = await runner.run(Int32Array.of(3, 1, 2), 1, 3);
      await runner.close();
      assert.deepEqual([...sum], wanted, provider);
    }
  });
});

Deno.test("two files of weights in two folders are found", async () => {
  await inFolder(async (folder) => {
    const external = await loadModel(fixture("gpt2_external.onnx"));
    const data = await Deno.readFile(fixture("gpt2_external.onnx_data"));
    await Deno.mkdir(`${folder}/parts`);
    const half = `${folder}/parts/gpt2_external.onnx_data`;
    await Deno.writeFile(half, data);
    await Deno.symlink("parts/gpt2_external.onnx_data", `${folder}/gpt2_external.onnx_data`);
    await Deno.copyFile(fixture("gpt2_external.onnx"), `${folder}/m.onnx`);
    const tapped = tapOutputs(await loadModel(`${folder}/m.onnx`), ["logits"]);
    const bound = await bindWeights(tapped.model, true);
    const left = readModel(bound.bytes, "bound");
    const places = [...left.initializers.values()].flatMap((tensor) => tensor.external ?? []);
    assert.ok(places.every(({ location }) => location === "gpt2_external.onnx_data"));
    assert.equal(bound.folder, `${await Deno.realPath(folder)}/parts/`);
    assert.ok(external.initializers.size >= places.length && places.length > 5);
  });
});

Deno.test("data that is missing, cut, a pointer or outside the folder is refused by name", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/gpt2_external.onnx`, data = `${path}_data`;
    await Deno.copyFile(fixture("gpt2_external.onnx"), path);
    const start = () => createRunner({ model: path, taps: ["logits"], provider: "cpu" });
    await assert.rejects(start(), /there is no file ".*gpt2_external\.onnx_data"/);
    await Deno.writeTextFile(data, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    await assert.rejects(start(), /"transformer\.\S+" .*"[^"]*_data", which .*Git LFS pointer/);
    await Deno.writeFile(data, new Uint8Array(6000));
    await assert.rejects(
      start(),
      /tensor "transformer\.\S+" ends at byte \d+ of ".*_data", which has 6000/,
    );
    const whole = await Deno.readFile(fixture("gpt2_external.onnx_data"));
    await Deno.writeFile(data, whole.subarray(0, whole.length - 1));
    await assert.rejects(
      start(),
      new RegExp(`ends at byte ${whole.length} of .* ${whole.length - 1}`),
    );
    const bytes = await Deno.readFile(path);
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    const away = text.replaceAll("gpt2_external.onnx_data", "../ter_external.onnx_da");
    assert.notEqual(away, text);
    await Deno.writeFile(path, Uint8Array.from(away, (letter) => letter.charCodeAt(0)));
    await assert.rejects(start(), /external data "\.\.\/ter_.*the file lies outside/);
    await assert.rejects(start(), SdmError);
  });
});

Deno.test("a model of bytes alone cannot have data beside it", async () => {
  const bytes = await Deno.readFile(fixture("gpt2_external.onnx"));
  const tapped = tapOutputs(parseModel(bytes, "given"), ["logits"]);
  await assert.rejects(bindWeights(tapped.model, true), /given as bytes, its path is needed/);
});
