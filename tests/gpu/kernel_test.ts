import assert from "assert";
import { createBuffer, destroyBuffer } from "../../lib/gpu/device.ts";
import { defineKernel } from "../../lib/gpu/kernel.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readSlices, readWords } from "../../lib/gpu/readback.ts";
import { PARTS } from "../../lib/kernels/common.ts";
import { whole } from "../kernels/device.ts";

const SOURCE = `
struct Dims {
  a: u32,     // 3 words
  b: f32,
  c: u32,
  d: u32,
  e: f32,     // the fifth is in a second vec4
}
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> given: array<u32>;
@group(0) @binding(2) var<storage, read_write> answer: array<u32>;
@compute @workgroup_size(1)
fn main() {
  answer[0] = dims.a;
  answer[1] = bitcast<u32>(dims.b);
  answer[2] = dims.c;
  answer[3] = dims.d;
  answer[4] = bitcast<u32>(dims.e);
  answer[5] = given[0];
  answer[6] = {{PLUS}}u;
}`;

const declared = {
  name: "echo",
  source: SOURCE,
  buffers: ["given", "answer"],
  dims: ["a", "b", "c", "d", "e"],
} as const;

Deno.test("defineKernel() compares names with the shader's", () => {
  defineKernel(declared);
  assert.throws(
    () => defineKernel({ ...declared, buffers: ["answer", "given"] }),
    /Cannot define kernel "echo": wrapper names buffers \[answer,given\], shader has \[given,answer\]/,
  );
  assert.throws(() => defineKernel({ ...declared, buffers: ["given"] }), /names buffers/);
  assert.throws(() => defineKernel({ ...declared, dims: ["a", "b", "c", "d"] }), /names dims/);
});

Deno.test("a dispatch hands over every field, buffer, range and define", async () => {
  const gpu = await whole();
  const echo = defineKernel(declared);
  const given = createBuffer(gpu, 512, "given");
  gpu.device.queue.writeBuffer(given, 256, Uint32Array.of(4242));
  const answers = Array.from({ length: 300 }, (_, i) => createBuffer(gpu, 32, `answer ${i}`));
  const before = gpu.pipelines.size;
  // 300 dispatches need more than one arena of uniform slots.
  submit(
    gpu,
    answers.map((answer, i) =>
      echo.dispatch(gpu, {
        defines: { PLUS: i % 2 },
        dims: { a: i, b: i / 2, c: 4294967295, d: 7, e: -0.25 },
        buffers: { given: { buffer: given, offset: 256, size: 16 }, answer },
        groups: [1, 1, 1],
      })
    ),
  );
  const read = await readSlices(gpu, answers.map((buffer) => ({ buffer, size: 28 })));
  read.forEach((bytes, i) => {
    const [words, floats] = [new Uint32Array(bytes), new Float32Array(bytes)];
    assert.deepEqual([...words].filter((_, j) => j !== 1 && j !== 4), [
      i,
      4294967295,
      7,
      4242,
      i % 2,
    ]);
    assert.deepEqual([floats[1], floats[4]], [i / 2, -0.25]);
  });
  assert.equal(gpu.pipelines.size - before, 2, "one pipeline for each text");
  for (const buffer of [given, ...answers]) destroyBuffer(gpu, buffer);
});

Deno.test("the part linear_id numbers the threads of a grid folded over y", async () => {
  const gpu = await whole();
  const kernel = defineKernel({
    name: "number",
    source: `
      @group(0) @binding(0) var<storage, read_write> seen: array<u32>;
      //#use linear_id
      @compute @workgroup_size(64)
      fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
              @builtin(local_invocation_index) local: u32) {
        let id = linearId(wid, nwg, local, 64u);
        seen[id] = id + 1u;
      }`,
    parts: PARTS,
    buffers: ["seen"],
    dims: [],
  });
  const seen = createBuffer(gpu, 5 * 3 * 64 * 4, "seen");
  submit(gpu, [kernel.dispatch(gpu, { dims: {}, buffers: { seen }, groups: [5, 3, 1] })]);
  const words = await readWords(gpu, seen);
  assert.ok(words.every((word, i) => word === i + 1));
  destroyBuffer(gpu, seen);
});

Deno.test("a shader is told of subgroups only where the language wants it", () => {
  const kernel = defineKernel({ name: "text", source: "x", buffers: [], dims: [] });
  const facts = (subgroupDirective: boolean) =>
    ({ facts: { subgroupDirective } }) as unknown as Parameters<typeof kernel.expanded>[0];
  assert.equal(kernel.expanded(facts(true), { SUBGROUPS: 1 }), "enable subgroups;\nx");
  assert.equal(kernel.expanded(facts(true), { SUBGROUPS: 0 }), "x");
  assert.equal(kernel.expanded(facts(false), { SUBGROUPS: 1 }), "x");
});
