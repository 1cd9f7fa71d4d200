import assert from "assert";
import { createBuffer, destroyBuffer, freeable } from "../../lib/gpu/device.ts";
import { dryGpu } from "../../lib/gpu/dry.ts";
import { defineKernel } from "../../lib/gpu/kernel.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { copyToTexels, createTexels, sharedTexels } from "../../lib/gpu/texels.ts";
import { PARTS } from "../../lib/kernels/common.ts";
import { whole } from "../kernels/device.ts";

/** Reads every vec4 of an array, from texels or from a buffer. */
const reader = defineKernel({
  name: "reader",
  source: `
    struct Dims { count: u32 }
    @group(0) @binding(0) var<uniform> dims: Dims;
    //#if TEXELS
    @group(0) @binding(1) var m: texture_storage_2d<rgba32float, read>;
    //#use texels
    fn at(i: u32) -> vec4f { return textureLoad(m, texelOf(i)); }
    //#else
    @group(0) @binding(1) var<storage, read> m: array<vec4f>;
    fn at(i: u32) -> vec4f { return m[i]; }
    //#end
    @group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < dims.count) { out[id.x] = at(id.x); }
    }`,
  parts: PARTS,
  buffers: ["m", "out"],
  dims: ["count"],
});

for (
  const [held, first, count] of [[1, 0, 1], [1024, 0, 1024], [3000, 16, 2500], [2100, 32, 4000]]
) {
  Deno.test(`texels hold vec4s ${first} to ${first + count} of ${held} of a buffer`, async () => {
    const gpu = await whole();
    const source = createBuffer(gpu, held * 16, "source");
    const values = Float32Array.from({ length: held * 4 }, (_, i) => i + 1);
    gpu.device.queue.writeBuffer(source, 0, values);
    const before = gpu.memory.bytes;
    const texels = createTexels(gpu, count, "copy");
    assert.equal(gpu.memory.bytes - before, texels.size);
    assert.ok(texels.size >= count * 16 && texels.size < count * 16 + 1024 * 16);
    const out = createBuffer(gpu, count * 16, "out");
    const read = reader.dispatch(gpu, {
      defines: { TEXELS: 1 },
      dims: { count },
      buffers: { m: texels, out },
      groups: [Math.ceil(count / 64), 1, 1],
    });
    submit(gpu, [copyToTexels({ buffer: source, offset: first * 16 }, texels, count), read]);
    const there = Math.min(count, held - first) * 4;
    const got = await readFloats(gpu, out, there);
    assert.deepEqual([...got], [...values.subarray(first * 4, first * 4 + there)]);
    gpu.check();
    for (const freed of [source, texels, out]) destroyBuffer(gpu, freed);
  });
}

Deno.test("a kernel binds what its expanded text declares, nothing else", async () => {
  const gpu = await whole();
  const buffer = createBuffer(gpu, 16, "buffer");
  const bind = (TEXELS: 0 | 1, m: Parameters<typeof reader.dispatch>[1]["buffers"]["m"]) => () =>
    reader.dispatch(gpu, {
      defines: { TEXELS },
      dims: { count: 1 },
      buffers: { m, out: buffer },
      groups: [1, 1, 1],
    });
  const texels = createTexels(gpu, 1, "texels");
  assert.throws(bind(1, buffer), /Cannot bind "m" of kernel "reader": it is texels/);
  assert.throws(bind(0, texels), /Cannot bind "m" of kernel "reader": it is read-only-storage/);
  bind(0, buffer)();
  bind(1, texels)();
  for (const freed of [buffer, texels]) destroyBuffer(gpu, freed);
});

Deno.test("shared texels are made once for a use and a size, are freed together, and count when nothing runs", async () => {
  const gpu = freeable(await whole());
  const before = gpu.memory.bytes;
  const made = sharedTexels(gpu, 64, "panel");
  assert.equal(sharedTexels(gpu, 64, "panel"), made);
  assert.notEqual(sharedTexels(gpu, 64, "rows"), made);
  assert.notEqual(sharedTexels(gpu, 65, "panel"), made);
  assert.equal(gpu.memory.bytes - before, (64 + 64 + 65) * 16);
  gpu.free();
  assert.equal(gpu.memory.bytes, before);

  const dry = dryGpu(gpu.facts);
  sharedTexels(dry, 64, "panel");
  assert.equal(dry.memory.peakBytes, 1024);
  assert.deepEqual([...dry.buffers.values()], [{ label: "panel", bytes: 1024, alive: true }]);
});
