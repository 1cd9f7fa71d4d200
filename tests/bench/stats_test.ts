import assert from "assert";
import {
  bandwidth,
  compareRuns,
  differenceMs,
  fromFile,
  kernelResult,
  median,
  repeatsFor,
  roofline,
  timesOf,
  toFile,
} from "../../bench/stats.ts";
import type { BenchResult, Ceilings, KernelResult } from "../../bench/types.ts";

const CEILINGS: Ceilings = {
  gflops: 100,
  loads: [{ size: 2 ** 18, gbs: 20 }, { size: 2 ** 22, gbs: 10 }, { size: 2 ** 26, gbs: 4 }],
  copyGbs: 5,
  launchMs: 0.05,
};

Deno.test("median() is the middle, and the mean of the two middle values", () => {
  assert.equal(median([9, 1, 4]), 4);
  assert.equal(median([9, 1, 4, 2]), 3);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("timesOf() gives the fastest, the middle and the spread, whatever the order", () => {
  assert.deepEqual(timesOf([4, 2, 10, 4, 3]), { minMs: 2, medianMs: 4, spread: 2 });
});

Deno.test("differenceMs() drops what n and 2n runs have in common", () => {
  assert.equal(differenceMs(12 + 4 * 3, 12 + 8 * 3, 4), 3);
  // Noise may make two rounds look faster than one, or one absurdly cheap.
  assert.equal(differenceMs(30, 20, 4), 0);
  assert.equal(differenceMs(1, 80, 4), 10);
});

Deno.test("repeatsFor() fills the target, at least once and not for ever", () => {
  assert.equal(repeatsFor(0.3, 2, 32), 7);
  assert.equal(repeatsFor(50, 2, 32), 1);
  assert.equal(repeatsFor(0, 2, 32), 32);
});

Deno.test("bandwidth() takes the measured size nearest by ratio, the copy only for the largest", () => {
  assert.equal(bandwidth(1000, CEILINGS), 20);
  assert.equal(bandwidth(5 * 2 ** 20, CEILINGS), 10);
  assert.equal(bandwidth(2 ** 30, CEILINGS), 5);
  assert.equal(bandwidth(2 ** 30, { ...CEILINGS, copyGbs: 3 }), 4);
});

Deno.test("roofline() is the slowest of arithmetic, loads, memory and launches", () => {
  const nothing = { flops: 0, bytes: 0, footprint: 1, dispatches: 1 };
  assert.deepEqual(roofline(nothing, CEILINGS), { bound: "launch", ms: 0.05 });
  assert.deepEqual(roofline({ ...nothing, flops: 3e9 }, CEILINGS), { bound: "fma", ms: 30 });
  const gather = { ...nothing, bytes: 4e9, footprint: 1e8 };
  assert.deepEqual(roofline(gather, CEILINGS), { bound: "loads", ms: 200 });
  assert.deepEqual(roofline({ ...gather, bytes: 1e8 }, CEILINGS), { bound: "memory", ms: 20 });
});

Deno.test("kernelResult() takes rates and the share at the median", () => {
  const work = { flops: 1e9, bytes: 1e6, footprint: 1e6, dispatches: 1 };
  const result = kernelResult({ stem: "a", shape: "1 x 2", work }, [20, 40, 10, 20, 20], CEILINGS);
  assert.equal(result.gflops, 50);
  assert.equal(result.share, 0.5);
  assert.equal(result.bound, "fma");
  assert.equal(result.minMs, 10);
  assert.ok(!("variant" in result));
});

function kernel(stem: string, medianMs: number, minMs = medianMs): KernelResult {
  const work = { flops: 1e8, bytes: 1, footprint: 1, dispatches: 1 };
  return { ...kernelResult({ stem, shape: "s", work }, [medianMs], CEILINGS), minMs };
}

function run(kernels: KernelResult[], ceilings = CEILINGS): BenchResult {
  const machine = {
    adapter: "a",
    software: true,
    limits: { maxBindingBytes: 7 },
    cores: 2,
    system: "s",
    deno: "2",
    date: "d",
    load: [0, 0] as [number, number],
    method: "m",
  };
  return { version: 1, machine, ceilings, kernels, steps: [], harvest: [] };
}

const verdicts = (before: BenchResult, now: BenchResult) =>
  Object.fromEntries(compareRuns(before, now).map((c) => [c.name, c.verdict]));

Deno.test("compareRuns() calls a kernel slower when median and minimum are", () => {
  const before = run([kernel("a", 10), kernel("b", 10), kernel("c", 10), kernel("d", 10)]);
  const now = run([kernel("a", 16), kernel("b", 30, 12), kernel("c", 6), kernel("d", 14)]);
  assert.deepEqual(verdicts(before, now), {
    "a s": "slower",
    "b s": "same", // one fast round: the machine was busy in the others
    "c s": "faster",
    "d s": "same",
  });
});

Deno.test("compareRuns() forgives what the machine's own ceiling lost, and only that", () => {
  const busy = { ...CEILINGS, gflops: 50 };
  const before = run([kernel("a", 10), kernel("b", 10)]);
  const now = run([kernel("a", 25), kernel("b", 40)], busy);
  assert.deepEqual(verdicts(before, now), { "a s": "same", "b s": "slower" });
  // A faster machine is no reason to call an equal time slower.
  assert.deepEqual(verdicts(run([kernel("a", 10)], busy), run([kernel("a", 10)])), {
    "a s": "same",
  });
});

Deno.test("compareRuns() does not call a tiny kernel slower for less than two empty dispatches", () => {
  const before = run([kernel("a", 0.02), kernel("b", 0.2)]);
  const now = run([kernel("a", 0.09), kernel("b", 0.4)]);
  assert.deepEqual(verdicts(before, now), { "a s": "same", "b s": "slower" });
});

Deno.test("compareRuns() names what is new and what is gone, and keeps variants apart", () => {
  const slow = { ...kernel("a", 90), variant: "loops" };
  const before = run([kernel("a", 10), slow, kernel("old", 1)]);
  const now = run([kernel("a", 10), slow, kernel("new", 1)]);
  assert.deepEqual(verdicts(before, now), {
    "a s": "same",
    "a s loops": "same",
    "new s": "new",
    "old s": "gone",
  });
});

Deno.test("a run is the same after it was written and read, with snake case in the file", () => {
  const result = run([kernel("a", 10)]);
  const text = JSON.stringify(toFile(result));
  assert.ok(
    text.includes('"median_ms"') && text.includes('"copy_gbs"') && !/[a-z][A-Z]/.test(text),
  );
  assert.deepEqual(fromFile(JSON.parse(text)), result);
});
