import assert from "assert";
import { createBuffer, destroyBuffer } from "../../lib/gpu/device.ts";
import { ReadbackRing, readFloats, readSlices, readWords } from "../../lib/gpu/readback.ts";
import { whole } from "../kernels/device.ts";

Deno.test("readSlices() reads ranges of many buffers with one wait", async () => {
  const gpu = await whole();
  const a = createBuffer(gpu, 64, "a");
  const b = createBuffer(gpu, 32, "b");
  gpu.device.queue.writeBuffer(a, 0, Uint32Array.from({ length: 16 }, (_, i) => i));
  gpu.device.queue.writeBuffer(b, 0, new Float32Array(8).fill(2.5));
  const held = gpu.memory.bytes;
  const read = await readSlices(gpu, [
    { buffer: a, offset: 8, size: 12 },
    { buffer: b },
    { buffer: a, size: 4 },
  ]);
  assert.deepEqual(new Uint32Array(read[0]), Uint32Array.of(2, 3, 4));
  assert.deepEqual(new Float32Array(read[1]), new Float32Array(8).fill(2.5));
  assert.deepEqual(new Uint32Array(read[2]), Uint32Array.of(0));
  assert.equal(gpu.memory.bytes, held, "the buffer of the read is not freed");
  assert.deepEqual(await readFloats(gpu, b, 2), Float32Array.of(2.5, 2.5));
  assert.deepEqual(await readWords(gpu, a, 3), Uint32Array.of(0, 1, 2));
  destroyBuffer(gpu, a);
  destroyBuffer(gpu, b);
});

Deno.test("a readback ring overlaps reads and takes its buffers back", async () => {
  const gpu = await whole();
  const source = createBuffer(gpu, 16, "source");
  const ring = new ReadbackRing(gpu, 16, 2);
  const start = (value: number) => {
    gpu.device.queue.writeBuffer(source, 0, Uint32Array.of(value));
    const encoder = gpu.device.createCommandEncoder();
    const read = ring.start(encoder, source);
    gpu.device.queue.submit([encoder.finish()]);
    return read;
  };
  const first = start(11);
  const second = start(22);
  assert.equal(ring.ready, false);
  assert.throws(() => start(33), /every buffer of the ring is in flight/);
  // The later one first: each has the value of its own submission.
  assert.equal(new Uint32Array(await second.finish())[0], 22);
  assert.equal(ring.ready, true);
  assert.equal(new Uint32Array(await first.finish())[0], 11);
  assert.equal(new Uint32Array(await start(44).finish())[0], 44);
  destroyBuffer(gpu, source);
});
