import assert from "assert";
import {
  createRows,
  destroyRows,
  onlyShard,
  readBytes,
  readRows,
  writeRows,
} from "../../lib/gpu/rows.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { split, whole } from "../kernels/device.ts";

function numbered(count: number, from = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => from + i);
}

Deno.test("rows make a round trip, padded or not, in one buffer or several", async () => {
  for (const open of [whole, split]) {
    const gpu = await open();
    for (const [rows, cols] of [[1, 1], [7, 4], [65, 3], [300, 61]]) {
      const m = createRows(gpu, "m", rows, cols);
      assert.ok(m.shards.every((s) => s.buffer.size <= gpu.facts.maxBindingBytes));
      if (open === split && rows === 300) assert.equal(m.shards.length, 5);
      const data = numbered(rows * cols);
      writeRows(gpu, m, data);
      assert.deepEqual(await readRows(gpu, m), data);
      destroyRows(gpu, m);
    }
  }
});

Deno.test("rows that are written in the middle leave the others, across buffers", async () => {
  const gpu = await split();
  const [rows, cols] = [200, 62];
  const m = createRows(gpu, "m", rows, cols);
  const data = numbered(rows * cols);
  writeRows(gpu, m, data);
  const part = numbered(80 * cols, -20000);
  writeRows(gpu, m, part, 50);
  data.set(part, 50 * cols);
  assert.deepEqual(await readRows(gpu, m), data);
  destroyRows(gpu, m);
});

Deno.test("a large matrix is read piece after piece, and no copy is larger than it is said to be", async () => {
  const gpu = await whole();
  const m = createRows(gpu, "large", 9000, 1023);
  const data = numbered(9000 * 1023);
  writeRows(gpu, m, data);
  const before = gpu.memory.bytes;
  gpu.memory.peakBytes = before;
  assert.deepEqual(await readRows(gpu, m), data);
  assert.equal(gpu.memory.peakBytes - before, readBytes(m));
  assert.equal(readBytes(m), 32 * 2 ** 20);
  destroyRows(gpu, m);
});

Deno.test("padding columns and surplus rows are zero", async () => {
  const gpu = await whole();
  const m = createRows(gpu, "m", 3, 5);
  writeRows(gpu, m, numbered(15));
  const floats = await readFloats(gpu, onlyShard(m));
  assert.equal(floats.length, 64 * 8);
  const wanted = new Float32Array(64 * 8);
  [0, 1, 2].forEach((r) => wanted.set(numbered(5, 1 + 5 * r), r * 8));
  assert.deepEqual(floats, wanted);
  destroyRows(gpu, m);
});

Deno.test("a single row is padded to whole panels of latents, not to as many rows", async () => {
  const gpu = await whole();
  const m = createRows(gpu, "bias", 1, 65);
  writeRows(gpu, m, numbered(65));
  const floats = await readFloats(gpu, onlyShard(m));
  assert.deepEqual(floats, Float32Array.from({ length: 128 }, (_, i) => i < 65 ? i + 1 : 0));
  assert.deepEqual(await readRows(gpu, m), numbered(65));
  destroyRows(gpu, m);
});

Deno.test("onlyShard() refuses a split matrix", async () => {
  const gpu = await split();
  const m = createRows(gpu, "wide", 300, 64);
  assert.throws(
    () => onlyShard(m),
    /Cannot use "wide" as one buffer: its .* are cut over 5, one that a binding holds is needed/,
  );
  destroyRows(gpu, m);
});

Deno.test("buffers of matrices are counted while they live", async () => {
  const gpu = await whole();
  const before = gpu.memory.bytes;
  const m = createRows(gpu, "m", 64, 4);
  assert.equal(gpu.memory.bytes - before, 64 * 16);
  assert.ok(gpu.memory.peakBytes >= gpu.memory.bytes);
  destroyRows(gpu, m);
  assert.equal(gpu.memory.bytes, before);
});
