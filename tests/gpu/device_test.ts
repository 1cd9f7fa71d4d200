import assert from "assert";
import { DeviceLostError, OutOfMemoryError, SdmError } from "../../lib/base/errors.ts";
import { adapterAdvice, createBuffer, openGpu } from "../../lib/gpu/device.ts";
import { defineKernel } from "../../lib/gpu/kernel.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readWords } from "../../lib/gpu/readback.ts";
import { split, SPLIT_BYTES, whole } from "../kernels/device.ts";

/** Errors arrive after the queue has worked. */
async function settle(device: GPUDevice): Promise<void> {
  await device.queue.onSubmittedWorkDone();
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("openGpu() asks for all limits of the adapter", async () => {
  const { facts, device } = await whole();
  const adapter = (await navigator.gpu.requestAdapter())!;
  assert.equal(device.limits.maxBufferSize, adapter.limits.maxBufferSize);
  assert.equal(facts.maxInvocations, adapter.limits.maxComputeInvocationsPerWorkgroup);
  assert.equal(facts.maxStorageBuffers, adapter.limits.maxStorageBuffersPerShaderStage);
  assert.ok(facts.maxBindingBytes < 2 ** 31);
  assert.equal(facts.maxGroups, 65535);
  assert.equal(facts.name, adapter.info.description || adapter.info.vendor);
});

Deno.test("openGpu() can pretend that bindings are small", async () => {
  const { facts, device } = await split();
  assert.equal(facts.maxBindingBytes, SPLIT_BYTES);
  assert.ok(device.limits.maxStorageBufferBindingSize > SPLIT_BYTES);
});

Deno.test("openGpu() says what to install where there is no adapter", async () => {
  const real = Object.getOwnPropertyDescriptor(Navigator.prototype, "gpu")!;
  const none = { requestAdapter: () => Promise.resolve(null) };
  Object.defineProperty(Navigator.prototype, "gpu", { ...real, get: () => none });
  try {
    await assert.rejects(openGpu(), (error: SdmError) => {
      assert.ok(error instanceof SdmError);
      assert.match(error.message, /^Cannot find a WebGPU adapter/);
      assert.equal(error.hint, adapterAdvice());
      assert.equal(error.exitCode, 2);
      return true;
    });
  } finally {
    Object.defineProperty(Navigator.prototype, "gpu", real);
  }
});

Deno.test("a buffer larger than a binding is refused by name", async () => {
  const gpu = await split();
  const before = gpu.memory.bytes;
  assert.throws(
    () => createBuffer(gpu, SPLIT_BYTES + 16, "scores"),
    (error: OutOfMemoryError) => {
      assert.ok(error instanceof OutOfMemoryError);
      assert.match(
        error.message,
        /^Cannot make buffer "scores": it needs .*, adapter ".*" binds at most/,
      );
      assert.match(error.hint!, /batch_tokens/);
      return true;
    },
  );
  assert.equal(gpu.memory.bytes, before);
  // What is not bound may be as large as a buffer can be.
  createBuffer(gpu, SPLIT_BYTES * 2, "host", GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
    .destroy();
});

Deno.test("memory that the adapter refuses is an OutOfMemoryError", async () => {
  const gpu = await openGpu();
  // A software adapter promises any amount of memory, so the report of another is put in its mouth.
  const error = new GPUOutOfMemoryError("not enough memory left");
  gpu.device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
  assert.throws(() => gpu.check(), (found: OutOfMemoryError) => {
    assert.ok(found instanceof OutOfMemoryError);
    assert.match(found.message, /^Cannot allocate on the adapter ".*": not enough memory left$/);
    assert.match(found.hint!, /batch_tokens/);
    return true;
  });
  gpu.close();
});

Deno.test("a buffer larger than the device's limit is reported with its words", async () => {
  const gpu = await openGpu();
  gpu.device.createBuffer({ size: 2 ** 50, usage: GPUBufferUsage.STORAGE });
  await settle(gpu.device);
  assert.throws(() => gpu.check(), /GPU error: .*1125899906842624 is greater than the maximum/);
  gpu.close();
});

Deno.test("a device that is lost is a DeviceLostError with exit code 3", async () => {
  const gpu = await openGpu();
  gpu.check();
  gpu.device.destroy();
  await gpu.device.lost;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.throws(() => gpu.check(), (error: DeviceLostError) => {
    assert.ok(error instanceof DeviceLostError);
    assert.equal(error.exitCode, 3);
    assert.match(error.message, /adapter ".*" was lost/);
    assert.match(error.hint!, /--resume/);
    return true;
  });
});

Deno.test("closing a device is not losing it", async () => {
  const gpu = await openGpu();
  gpu.close();
  await gpu.device.lost;
  await new Promise((resolve) => setTimeout(resolve, 0));
  gpu.check();
});

Deno.test("a shader that does not compile is an error with the compiler's words", async () => {
  const gpu = await openGpu();
  const broken = defineKernel({
    name: "broken",
    source: `
      @group(0) @binding(0) var<storage, read_write> n: array<u32>;
      @compute @workgroup_size(1) fn main() { n[0] = notDeclared; }`,
    buffers: ["n"],
    dims: [],
  });
  const n = createBuffer(gpu, 16, "n");
  submit(gpu, [broken.dispatch(gpu, { dims: {}, buffers: { n }, groups: [1, 1, 1] })]);
  await settle(gpu.device);
  assert.throws(() => gpu.check(), /GPU error: [^]*notDeclared/);
  // A read does not return numbers of a program that did not run.
  await assert.rejects(readWords(gpu, n), /notDeclared/);
  gpu.close();
});
