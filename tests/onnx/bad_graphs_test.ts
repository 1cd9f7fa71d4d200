/** Files and graphs that are broken, each with the sentence that it is refused with. */
import assert from "assert";
import { SdmError } from "../../lib/base/errors.ts";
import { loadModel, parseModel } from "../../lib/onnx/graph.ts";
import type { OnnxModel } from "../../lib/onnx/model.ts";
import { encodeVarint, intField, joinBytes, sizedField } from "../../lib/onnx/protobuf.ts";
import { createRunner } from "../../lib/onnx/runner.ts";
import { changeModel, makeNode, writeModel } from "../../lib/onnx/write.ts";
import { attribute, model, node, value, weight } from "./build.ts";
import { fixture } from "./oracle.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const INPUT = value(11, "input_ids", 7, ["batch", "length"]);
const OUTPUT = value(12, "y", 1);
const CAST = node("Cast", ["input_ids"], ["x"], [attribute("to", 1)]);

const text = (content: string): Bytes => new TextEncoder().encode(content);
const raw = (...content: (number | string)[]): Bytes =>
  joinBytes(
    content.map((part) =>
      typeof part === "number"
        ? Uint8Array.of(part)
        : Uint8Array.from(part, (letter) => letter.charCodeAt(0))
    ),
  );
/** A graph with its weights named, whatever is in it. */
const graph = (...fields: Uint8Array[]): Bytes => model([...fields, INPUT, OUTPUT]);
/** A node with a name, to be found by it. */
const named = (op: string, name: string, inputs: string[], outputs: string[], domain = "") =>
  sizedField(1, makeNode(op, inputs, outputs, { name, domain }).bytes);

/** Tensors of other sizes than their shapes say. */
const tensor = (name: string, dims: (number | bigint)[], data: number, type = 1) =>
  sizedField(5, [
    ...dims.map((dim) => intField(1, dim)),
    intField(2, type),
    sizedField(8, name),
    sizedField(9, new Uint8Array(data)),
  ]);

/** `depth` Ifs in each other; made from the inside, each a prefix before what is there. */
function nested(depth: number): Bytes {
  const prefixes: Uint8Array[] = [];
  let size = 0;
  const wrap = (number: number) => {
    const header = joinBytes([encodeVarint(number * 8 + 2), encodeVarint(size)]);
    prefixes.push(header);
    size += header.length;
  };
  for (let i = 0; i < depth; i++) for (const number of [6, 5, 1]) wrap(number);
  wrap(7);
  return joinBytes([...prefixes.reverse(), sizedField(8, [intField(2, 18)])]);
}

const FILES: [what: string, bytes: Bytes, sentence: RegExp][] = [
  ["an empty file", raw(), /the file is empty/],
  ["a Git LFS pointer", text("version https://git-lfs.github.com/spec/v1\n"), /a Git LFS pointer/],
  ["a web page", text("\n<!DOCTYPE html><html><body>404</body></html>"), /a web page/],
  ["an error as JSON", text('{"error": "Repository not found"}'), /JSON text/],
  ["a zip archive", raw("PK", 3, 4, 20, 0, 0, 0, 8, 0), /a zip archive, as PyTorch/],
  ["a Python pickle", raw(0x80, 2, 0x8a, 10, "l", 0xfc), /a Python pickle/],
  ["safetensors", raw(0x60, 1, 0, 0, 0, 0, 0, 0, '{"w":{"dtype"'), /a safetensors file/],
  ["GGUF", raw("GGUF", 3, 0, 0, 0), /a GGUF file/],
  ["a packed file", raw(0x1f, 0x8b, 8, 0), /packed with gzip/],
  ["ONNX Runtime's format", raw(0x20, 0, 0, 0, "ORTM", 0, 0), /ONNX Runtime's own format/],
  ["random bytes", raw(0xfe, 0x13, 0x99, 0x00, 0x51), /a whole ONNX file is needed/],
  ["no graph", sizedField(2, "someone") as Bytes, /there is no graph in it/],
  ["no operator set", sizedField(7, [CAST, INPUT]) as Bytes, /no operator set version in it/],
  ["a size of 8 exabytes", raw(0x3a, ...Array(8).fill(0xff), 0x7f), /byte 0 needs \d+|size at/],
  ["a size of 4 GB", raw(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1), /needs 429496\d+ bytes more/],
  ["a number without end", raw(8, ...Array(40).fill(0xff)), /has no end/],
  ["200 Ifs in each other", nested(200), /more than 64 deep/],
  ["50000 Ifs in each other", nested(50_000), /more than 64 deep/],
];

const GRAPHS: [what: string, bytes: Bytes, sentence: RegExp][] = [
  [
    "a tensor that nobody makes",
    graph(CAST, named("Add", "sum", ["x", "b"], ["y"])),
    /node "sum" \(Add\) reads tensor "b", a node, weight or input of that name/,
  ],
  [
    "a weight that only a subgraph reads, and is not there",
    graph(
      CAST,
      node("If", ["x"], ["y"], [attribute("then_branch", [node("Neg", ["gone"], ["z"])])]),
    ),
    /node 1 \(If\) reads tensor "gone"/,
  ],
  ["an output that nobody makes", graph(CAST), /its output "y" is made by no node/],
  [
    "a circle",
    graph(
      CAST,
      named("Add", "a", ["x", "c"], ["b"]),
      named("Neg", "n", ["b"], ["c"]),
      named("Exp", "behind", ["c"], ["y"]),
    ),
    /node "(a|n)" \((Add|Neg)\) depends on its own output/,
  ],
  [
    "a node that reads itself",
    graph(named("Neg", "n", ["y"], ["y"])),
    /node "n" \(Neg\) depends on its own output/,
  ],
  [
    "a tensor made twice",
    graph(CAST, named("Neg", "one", ["x"], ["y"]), named("Exp", "two", ["x"], ["y"])),
    /node "two" \(Exp\) makes tensor "y", which an output of node "one" \(Neg\) is too/,
  ],
  [
    "an input that is made",
    graph(named("Neg", "n", ["input_ids"], ["input_ids"])),
    /makes tensor "input_ids", which an input is too/,
  ],
  [
    "a weight that is made",
    graph(CAST, weight("y", [1], [1]), named("Neg", "n", ["x"], ["y"])),
    /makes tensor "y", which a weight is too/,
  ],
  ["an input twice", graph(INPUT, CAST), /declares input "input_ids" twice/],
  ["a node without operator", graph(node("", ["input_ids"], ["y"])), /node 0 has no operator/],
  [
    "operators of no version",
    graph(CAST, named("Fancy", "f", ["x"], ["y"], "com.example")),
    /node "f" \(Fancy\) uses operators of "com\.example", the file has to say of which version/,
  ],
  [
    "a weight with too little data",
    graph(CAST, tensor("w", [4, 4], 60), node("Add", ["x", "w"], ["y"])),
    /tensor "w" of shape \[4, 4\] has 60 bytes of data, it needs 64/,
  ],
  [
    "a weight with too much data",
    graph(CAST, tensor("w", [3], 4, 16), node("Add", ["x", "w"], ["y"])),
    /tensor "w" of shape \[3\] has 4 bytes of data, it needs 6/,
  ],
  [
    "a weight of no size",
    graph(CAST, tensor("w", [-2, -2], 16), node("Add", ["x", "w"], ["y"])),
    /tensor "w" of shape \[-2, -2\] has no size/,
  ],
  [
    "a weight of more elements than there are",
    graph(CAST, tensor("w", [2n ** 40n, 2n ** 40n], 16), node("Add", ["x", "w"], ["y"])),
    /tensor "w" of shape \[1099511627776, 1099511627776\] has no size/,
  ],
];

/** The error of a sentence: of our own class, one line, and in time. */
function isRefusal(error: unknown, sentence: RegExp, what: string): true {
  assert.ok(error instanceof SdmError, `${what}: ${error}`);
  assert.match(error.message, sentence, what);
  assert.match(error.message, /^Cannot \w+ ONNX model "[^"]+": [^\n]+, [^\n]+$/, what);
  assert.ok(error.message.length < 400, what);
  return true;
}

for (const [what, bytes, sentence] of [...FILES, ...GRAPHS]) {
  Deno.test(`refused in a sentence: ${what}`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".onnx" });
    try {
      await Deno.writeFile(path, bytes);
      const started = performance.now();
      assert.throws(() => parseModel(bytes, "m"), (error) => isRefusal(error, sentence, what));
      await assert.rejects(loadModel(path), (error) => isRefusal(error, sentence, what));
      // Milliseconds, with room for a machine that does other things as well.
      assert.ok(performance.now() - started < 6000, "in time");
    } finally {
      await Deno.remove(path);
    }
  });
}

Deno.test("refused in a sentence: a folder, a file that is not there", async () => {
  await assert.rejects(loadModel(fixture("")), (error) => isRefusal(error, /a folder/, "folder"));
  await assert.rejects(
    loadModel("none.onnx"),
    (error) => isRefusal(error, /there is no such file/, "none"),
  );
});

Deno.test("a file cut at any place is refused, or is what was before the cut", async () => {
  const whole = await Deno.readFile(fixture("llama_genai.onnx"));
  for (let cut = 1; cut < whole.length; cut += 997) {
    assert.throws(
      () => parseModel(whole.subarray(0, cut), "m"),
      (error) => isRefusal(error, /bytes in all|operator set/, `cut at ${cut}`),
    );
  }
});

/** A runner on a graph that reads well. */
async function failure(bytes: Bytes, provider: "cpu" | "wasm"): Promise<unknown> {
  try {
    const runner = await createRunner({ model: parseModel(bytes, "m"), taps: ["y"], provider });
    await runner.run(Int32Array.of(1, 2, 3), 1, 3).finally(() => runner.close());
  } catch (error) {
    return error;
  }
}

const RUNS: [what: string, bytes: Bytes, sentence: RegExp][] = [
  [
    "an unknown operator",
    graph(CAST, named("Frobnicate", "f", ["x"], ["y"])),
    /node "f" \(Frobnicate\) is an operator of version 18 that this ONNX Runtime does not have/,
  ],
  [
    "an unknown operator of another domain",
    model([CAST, named("Fancy", "f", ["x"], ["y"], "com.example"), INPUT, OUTPUT], [
      sizedField(8, [sizedField(1, "com.example"), intField(2, 1)]),
    ]),
    /node "f" \(Fancy\) is an operator of "com\.example" that this ONNX Runtime does not have/,
  ],
  [
    "shapes that do not fit",
    graph(CAST, weight("w", [5, 2], Array(10).fill(1)), named("MatMul", "p", ["x", "w"], ["y"])),
    /^Cannot (load|run) ONNX model "m": ONNX Runtime says ".*(node|Node).*p/,
  ],
  [
    "a text tensor where numbers belong",
    graph(CAST, tensor("w", [1], 0, 8), named("Add", "a", ["x", "w"], ["y"])),
    /^Cannot (load|run) ONNX model "m": ONNX Runtime says "/,
  ],
];

for (const [what, bytes, sentence] of RUNS) {
  Deno.test(`the runtime's refusal is a sentence of ours: ${what}`, async () => {
    for (const provider of ["cpu", "wasm"] as const) {
      isRefusal(await failure(bytes, provider), sentence, `${what}, ${provider}`);
    }
  });
}

Deno.test("a model of more than 2 GiB is not written", () => {
  const small = parseModel(graph(CAST, node("Neg", ["x"], ["y"])), "m");
  // One view many times over: nothing of this size is made.
  const page = new Uint8Array(2 ** 20);
  const initializers: OnnxModel["initializers"] = new Map(
    Array.from({ length: 2049 }, (_, i) => {
      const name = `w${i}`;
      return [name, { name, dims: [2 ** 18], elemType: 1, bytes: page }];
    }),
  );
  assert.throws(() => writeModel(changeModel(small, { initializers })), (error) => {
    return isRefusal(error, /it is 2(\.\d+)? GiB with its weights, .*2 GiB and more/, "2 GiB");
  });
});
