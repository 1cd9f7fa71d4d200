// A device that only counts: what is built on it is what a real one would hold.
import assert from "assert";
import { createBuffer, destroyBuffer, freeable, openGpu } from "../../lib/gpu/device.ts";
import { dryGpu } from "../../lib/gpu/dry.ts";
import { MINIMAL_FACTS } from "../../lib/gpu/facts.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { createRows, writeRows } from "../../lib/gpu/rows.ts";
import { familyOf } from "../../lib/models/mod.ts";
import { modelOptions } from "../../lib/models/types.ts";

Deno.test("a model takes as many bytes on a counting device as on a real one, label by label", async () => {
  const gpu = await openGpu({ maxBindingBytes: 65536 });
  try {
    const dry = dryGpu(gpu.facts);
    for (const activation of ["topk", "batchtopk"] as const) {
      const { build } = familyOf(activation);
      const options = { rows: 128, dIn: 40, dSae: 1000, k: 7, auxkCoefficient: 0.1, kAux: 16 };
      const before = [gpu.memory.bytes, dry.memory.bytes];
      const real = build(gpu, modelOptions({ ...options, activation }));
      const counted = build(dry, modelOptions({ ...options, activation }));
      assert.equal(gpu.memory.bytes - before[0], dry.memory.bytes - before[1]);
      assert.equal(real.step.length, counted.step.length);
      const parts = (rows: typeof real.parameters[number]["value"]) => rows.shards.length;
      assert.deepEqual(
        counted.parameters.map((p) => parts(p.value)),
        real.parameters.map((p) => parts(p.value)),
      );
      assert.ok(real.parameters.some((p) => parts(p.value) > 1), "a split is part of the test");
    }
    assert.equal(gpu.pipelines.size, dry.pipelines.size);
  } finally {
    gpu.close();
  }
});

Deno.test("a counting device keeps the limits, reads zeros, and knows what was freed", async () => {
  const dry = dryGpu(MINIMAL_FACTS);
  assert.throws(
    () => createBuffer(dry, 2 ** 28, "huge"),
    /Cannot make buffer "huge": it needs 256 MiB, adapter "WebGPU defaults" binds at most 128 MiB/,
  );
  const rows = createRows(dry, "w", 600_000, 64);
  assert.equal(rows.shards.length, 2);
  writeRows(dry, rows, new Float32Array(600_000 * 64));
  assert.deepEqual(await readFloats(dry, rows.shards[0].buffer, 3), new Float32Array(3));
  const bytes = dry.memory.bytes;
  const own = freeable(dry);
  const first = createBuffer(own, 1000, "mine");
  createBuffer(own, 2000, "mine too");
  destroyBuffer(own, first);
  assert.equal(dry.memory.bytes, bytes + 2000);
  own.free();
  assert.equal(dry.memory.bytes, bytes);
  assert.equal(dry.memory.peakBytes, bytes + 3008);
  assert.equal([...dry.buffers.values()].filter((b) => b.label.startsWith("mine")).length, 2);
  const alive = [...dry.buffers.values()].filter((b) => b.alive).map((b) => b.label);
  assert.deepEqual(alive, ["w 0", "w 1"]);
});
