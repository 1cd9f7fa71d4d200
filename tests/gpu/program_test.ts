import assert from "assert";
import { createBuffer, destroyBuffer } from "../../lib/gpu/device.ts";
import { defineKernel } from "../../lib/gpu/kernel.ts";
import { type Command, submit, timeKernels } from "../../lib/gpu/program.ts";
import { readWords } from "../../lib/gpu/readback.ts";
import { whole } from "../kernels/device.ts";

function counter(name: string, by: number) {
  return defineKernel({
    name,
    source: `
      @group(0) @binding(0) var<storage, read_write> n: array<u32>;
      @compute @workgroup_size(1) fn main() { n[0] = n[0] * 2u + ${by}u; }`,
    buffers: ["n"],
    dims: [],
  });
}

Deno.test("a program keeps the order of dispatches and transfers, run after run", async () => {
  const gpu = await whole();
  const n = createBuffer(gpu, 16, "n");
  const kept = createBuffer(gpu, 16, "kept");
  const one = counter("one", 1).dispatch(gpu, { dims: {}, buffers: { n }, groups: [1, 1, 1] });
  const two = counter("two", 2).dispatch(gpu, { dims: {}, buffers: { n }, groups: [1, 1, 1] });
  const program: Command[] = [
    { kind: "clear", buffer: n, size: 16 },
    one,
    two,
    { kind: "copy", from: n, fromOffset: 0, to: kept, toOffset: 4, size: 4 },
    one,
  ];
  for (let i = 0; i < 2; i++) submit(gpu, program);
  // ((0 · 2 + 1) · 2 + 2) = 4 is copied, then 4 · 2 + 1.
  assert.equal((await readWords(gpu, kept))[1], 4);
  assert.equal((await readWords(gpu, n))[0], 9);
  destroyBuffer(gpu, n);
  destroyBuffer(gpu, kept);
});

Deno.test("timeKernels() runs the program once and sums ticks by kernel", async () => {
  const gpu = await whole();
  assert.ok(gpu.facts.timestamps, "this adapter has no timestamps");
  const n = createBuffer(gpu, 16, "n");
  const few = counter("few", 0).dispatch(gpu, { dims: {}, buffers: { n }, groups: [1, 1, 1] });
  const many = counter("many", 1).dispatch(gpu, { dims: {}, buffers: { n }, groups: [1, 1, 1] });
  // More dispatches than one query set holds pairs.
  const program: Command[] = [
    { kind: "clear", buffer: n },
    few,
    few,
    ...new Array<Command>(1030).fill(many),
  ];
  const held = gpu.memory.bytes;
  const times = await timeKernels(gpu, program);
  assert.deepEqual(
    new Set(times.map((t) => `${t.kernel} ${t.count}`)),
    new Set(["few 2", "many 1030"]),
  );
  assert.ok(times[0].ticks >= times[1].ticks, "the longest comes first");
  assert.ok(times.every((t) => Number.isFinite(t.ticks) && t.ticks >= 0));
  assert.ok(times.find((t) => t.kernel === "many")!.ticks > 0);
  assert.equal(gpu.memory.bytes, held);
  assert.equal((await readWords(gpu, n))[0], 0xffffffff, "not every dispatch ran once");
  gpu.check();
  destroyBuffer(gpu, n);
});

Deno.test("timeKernels() gives nothing where the adapter has no timestamps", async () => {
  const gpu = await whole();
  assert.deepEqual(
    await timeKernels({ ...gpu, facts: { ...gpu.facts, timestamps: false } }, []),
    [],
  );
});
