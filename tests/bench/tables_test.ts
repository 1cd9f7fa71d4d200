import assert from "assert";
import { comparisonText, harvestText, loadWarning, stepsText } from "../../bench/tables.ts";
import type { StepResult } from "../../bench/types.ts";

Deno.test("loadWarning() speaks above half a process a core", () => {
  assert.equal(loadWarning(1, 2), undefined);
  assert.match(loadWarning(1.2, 2) ?? "", /^Warning: the load average is 1\.2 on 2 cores/);
});

Deno.test("stepsText() puts the same kernel of both steps in one line and leaves out dust", () => {
  const step = (dead: number, shares: StepResult["shares"]): StepResult => ({
    shape: { rows: 8, d: 4, latents: 16, k: 2 },
    name: dead > 0 ? "half dead" : "topk",
    dead,
    l0: 2,
    minMs: 1,
    medianMs: 2,
    spread: 0.1,
    tokensPerSecond: 4000,
    shares,
    peakBytes: 1024,
  });
  const text = stepsText([
    step(0, [{ kernel: "gemm", count: 1, share: 0.9 }, { kernel: "dust", count: 1, share: 1e-5 }]),
    step(5, [{ kernel: "adam", count: 1, share: 0.6 }, { kernel: "gemm", count: 1, share: 0.4 }]),
  ]);
  assert.match(text, /B 8, d 4, F 16, k 2 +topk +half dead/);
  assert.match(text, /gemm +90 % +40 %/);
  assert.match(text, /adam +0 % +60 %/);
  assert.ok(!text.includes("dust"));
});

Deno.test("harvestText() says why a provider did not run", () => {
  const text = harvestText([
    { runner: "x", tokens: 8, minMs: 0, medianMs: 0, spread: 0, trouble: "no library" },
  ]);
  assert.match(text, /x +no library$/);
});

Deno.test("comparisonText() leaves blank what cannot be compared", () => {
  const text = comparisonText([
    { name: "a", ratio: 1.5, minRatio: 1.25, machine: 1, verdict: "same" },
    { name: "b", ratio: NaN, minRatio: NaN, machine: 1, verdict: "gone" },
  ]);
  assert.match(text, /a +1\.50 +1\.25 +same\nb +gone$/);
});
