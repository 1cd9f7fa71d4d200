import assert from "assert";
import { createBuffer, type Gpu } from "../../lib/gpu/device.ts";
import type { Command } from "../../lib/gpu/program.ts";
import { type Trial, tune } from "../../lib/gpu/tune.ts";
import { pickVariant } from "../../lib/gpu/tuning.ts";
import { encodeGemm } from "../../lib/kernels/encode_gemm.ts";
import { topkMerge } from "../../lib/kernels/topk_merge.ts";
import { TRIALS } from "../../lib/kernels/trials.ts";
import { asHardware, whole } from "../kernels/device.ts";

/** Variants that copy 0, 1, 2… times what should be there; the first one copies something else. */
function copies(times: Record<string, number>, wrong: string[] = []): Trial {
  return {
    kernel: "copy",
    variants: () => Object.keys(times).map((name) => ({ name })),
    prepare(gpu: Gpu) {
      const bytes = 1 << 22;
      const [right, other] = [1, 2].map((value) => {
        const buffer = createBuffer(gpu, bytes, "from");
        gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(bytes / 4).fill(value));
        return buffer;
      });
      const output = createBuffer(gpu, bytes, "to");
      return {
        output,
        commands(device) {
          const name = device.facts.tuning!.copy;
          const from = wrong.includes(name) ? other : right;
          const copy: Command = {
            kind: "copy",
            from,
            fromOffset: 0,
            to: output,
            toOffset: 0,
            size: bytes,
          };
          return Array.from({ length: times[name] }, () => copy);
        },
        fault: (values) => values.every((v) => v === 1) ? undefined : `it holds ${values[0]}`,
      };
    },
  };
}

const quick = { seconds: 1 };

Deno.test("tune() takes the fastest variant, and the kernel's own where none is faster", async () => {
  const gpu = await whole();
  const before = gpu.memory.bytes;
  const slowFirst = await tune(gpu, [copies({ slow: 60, fast: 1, middle: 30 })], quick);
  assert.equal(slowFirst.tuning.copy, "fast");
  assert.deepEqual(Object.keys(slowFirst.times.copy), ["slow", "fast", "middle"]);
  const fastFirst = await tune(gpu, [copies({ fast: 1, slow: 60 })], quick);
  assert.equal(fastFirst.tuning.copy, "fast");
  assert.deepEqual(fastFirst.faults, []);
  assert.equal(gpu.memory.bytes, before, "buffers of the trials were not freed");
});

Deno.test("tune() never takes a variant that computes something else, and says what it computed", async () => {
  const found = await tune(await whole(), [copies({ bad: 1, slow: 12 }, ["bad"])], quick);
  assert.equal(found.tuning.copy, "slow");
  assert.deepEqual(found.faults, [{ kernel: "copy", variant: "bad", fault: "it holds 2" }]);
  // A variant that does nothing must not pass by what an earlier one left in the output.
  const idle = await tune(await whole(), [copies({ good: 1, idle: 0 })], quick);
  assert.deepEqual(idle.faults, [{ kernel: "copy", variant: "idle", fault: "it holds 0" }]);
});

Deno.test("tune() takes a shader that does not compile for a fault and leaves the device usable", async () => {
  const gpu = await whole();
  const trial = copies({ broken: 1, fine: 1 });
  const breaking: Trial = {
    ...trial,
    prepare(device) {
      const prepared = trial.prepare(device);
      return {
        ...prepared,
        commands(device) {
          if (device.facts.tuning!.copy === "broken") {
            device.device.createShaderModule({ code: "this is no shader" });
          }
          return prepared.commands(device);
        },
      };
    },
  };
  const found = await tune(gpu, [breaking], quick);
  assert.equal(found.tuning.copy, "fine");
  assert.equal(found.faults.length, 1);
  gpu.check();
});

Deno.test("every kernel with variants computes rightly with those that are taken untuned", async () => {
  for (const open of [whole, asHardware]) {
    const found = await tune(await open(), TRIALS, { seconds: 1, checkOnly: true });
    assert.deepEqual(found.faults, []);
    assert.deepEqual(Object.keys(found.tuning), TRIALS.map(({ kernel }) => kernel));
  }
});

Deno.test("trials see a result that is wrong in one place of a thousand", async () => {
  const gpu = await whole();
  for (const trial of TRIALS) {
    const prepared = trial.prepare(gpu);
    const values = new Float32Array(prepared.output.size / 4).fill(0.5);
    assert.match(prepared.fault(values) ?? "", /is 0\.5 where|where .* is right/, trial.kernel);
  }
});

Deno.test("plans take the variant of the tuning, and their own for a name that is not known", async () => {
  const { facts } = await whole();
  const shape = { rows: 64, latents: 64, d: 64 };
  const of = (name: string) =>
    encodeGemm.plan(shape, { ...facts, tuning: { encode_gemm: name } }).variant;
  assert.equal(of("registers"), "registers");
  assert.equal(of("gone"), encodeGemm.plan(shape, facts).variant);
  const merge = { rows: 8, capacity: 32, panel: 1024 };
  assert.equal(
    topkMerge.plan(merge, { ...facts, tuning: { topk_merge: "thread" } }).variant,
    "thread",
  );
  assert.equal(pickVariant("k", [{ name: "a" }], {}).name, "a");
});
