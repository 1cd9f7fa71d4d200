import assert from "assert";
import { freeable } from "../../lib/gpu/device.ts";
import { sharedBuffer } from "../../lib/gpu/scratch.ts";
import { whole } from "../kernels/device.ts";

Deno.test("a shared buffer is made once for a use and a size, and freed with the others", async () => {
  const gpu = freeable(await whole());
  const before = gpu.memory.bytes;
  const made = sharedBuffer(gpu, 256, "sums");
  assert.equal(sharedBuffer(gpu, 256, "sums"), made);
  assert.notEqual(sharedBuffer(gpu, 512, "sums"), made);
  assert.notEqual(sharedBuffer(gpu, 256, "others"), made);
  assert.equal(gpu.memory.bytes - before, 256 + 512 + 256);
  gpu.free();
  assert.equal(gpu.memory.bytes, before);
});
