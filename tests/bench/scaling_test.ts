import assert from "assert";
import { scalingChart } from "../../bench/chart.ts";
import { gapsOf } from "../../bench/gap.ts";
import { normalBar } from "../../bench/models.ts";
import { between, scalingMarkdown } from "../../bench/pages.ts";
import { fitPower } from "../../bench/scaling.ts";
import { encoderShare } from "../../bench/stats.ts";
import type { Machine, ScalingCurve, StepResult } from "../../bench/types.ts";

Deno.test("fitPower() finds the exponent of a power law without error", () => {
  const fit = fitPower([1, 2, 4, 8].map((x) => ({ x, y: 3 * x ** 1.5 })));
  assert.ok(Math.abs(fit.exponent - 1.5) < 1e-12 && Math.abs(fit.factor - 3) < 1e-12);
  assert.ok(fit.error < 1e-12);
});

Deno.test("fitPower() gives the standard error of the slope of three points", () => {
  // In logarithms to base e: (0, 0), (1, 2), (2, 1): slope 1/2, residuals -1/2, 1, -1/2, so s² = 1.5, Sxx = 2.
  const points = [[0, 0], [1, 2], [2, 1]].map(([x, y]) => ({ x: Math.exp(x), y: Math.exp(y) }));
  const fit = fitPower(points);
  assert.ok(Math.abs(fit.exponent - 0.5) < 1e-12);
  assert.ok(Math.abs(fit.error - Math.sqrt(0.75)) < 1e-12);
  assert.ok(Number.isNaN(fitPower(points.slice(1)).error), "two points have no error");
});

Deno.test("normalBar() is the quantile of the normal law", () => {
  assert.ok(Math.abs(normalBar(0.5)) < 1e-6);
  assert.ok(Math.abs(normalBar(0.025) - 1.959964) < 1e-4);
  assert.ok(Math.abs(normalBar(1e-3) - 3.090232) < 1e-4);
});

Deno.test("gapsOf() counts what lies between submissions, not between the passes of one", () => {
  // Two submissions of two passes, then the first pass of a third, which only ends the last gap.
  const ticks = [0, 10, 12, 20, 25, 30, 33, 40, 47, 50];
  assert.deepEqual(gapsOf(ticks, [0, 2, 4]), { busy: 10 + 8 + 5 + 7, gaps: [5, 7], whole: 47 });
});

const CEILINGS = { gflops: 100, loads: [], copyGbs: 1, launchMs: 1 };

function step(more: Partial<StepResult>): StepResult {
  return {
    shape: { rows: 100, d: 50, latents: 1000, k: 8 },
    name: "topk",
    dead: 0,
    l0: 8,
    minMs: 1,
    medianMs: 1,
    spread: 0,
    tokensPerSecond: 1,
    kernelMs: 2,
    shares: ["encode_gemm", "topk_merge", "topk_finish", "adam"]
      .map((kernel) => ({ kernel, count: 1, share: 0.25 })),
    peakBytes: 1,
    ...more,
  };
}

Deno.test("encoderShare() is the product's rate in the time of scores and selection", () => {
  // 2 · 100 · 50 · 1000 operations in three quarters of 2 ms: 6.67 GFLOP/s.
  assert.ok(Math.abs(encoderShare(step({}), CEILINGS)! - 10 / 1.5 / 100) < 1e-12);
  assert.equal(encoderShare(step({ dead: 3 }), CEILINGS), undefined);
  assert.equal(encoderShare(step({ l0: 16 }), CEILINGS), undefined);
  assert.equal(encoderShare(step({ kernelMs: undefined }), CEILINGS), undefined);
  assert.equal(encoderShare(step({ shares: [] }), CEILINGS), undefined);
});

const CURVE: ScalingCurve = {
  of: "d",
  base: { rows: 8, d: 4, latents: 16, k: 2 },
  points: [{ at: 4, minMs: 1, medianMs: 2, spread: 1 }, {
    at: 8,
    minMs: 3,
    medianMs: 4,
    spread: 0,
  }],
  exponent: 1,
  error: 0.125,
  factor: 0.5,
};

Deno.test("scalingChart() puts points and fitted line of every size on axes of its own", () => {
  const svg = scalingChart([CURVE, { ...CURVE, of: "k" }]);
  assert.equal(svg.match(/<circle class="dot"/g)?.length, 4);
  assert.equal(svg.match(/<path class="fit"/g)?.length, 2);
  assert.match(svg, /width d: d\^\(1\.00 ± 0\.13\)/);
  // The line goes through both medians here: factor 0.5 · d.
  const [line, dots] = [/class="fit" d="M([\d.]+) ([\d.]+)L/, /cx="([\d.]+)" cy="([\d.]+)"/]
    .map((pattern) => pattern.exec(svg)!.slice(1, 3));
  assert.deepEqual(line, dots);
});

Deno.test("scalingMarkdown() says where, and between() replaces what stands between its marks", () => {
  const machine = {
    adapter: "a",
    software: true,
    limits: {},
    cores: 2,
    system: "s",
    deno: "2",
    date: "2026-01-02T00:00:00Z",
    load: [9, 9],
    method: "m",
  } satisfies Machine;
  const text = scalingMarkdown(machine, [CURVE]);
  assert.match(text, /2026-01-02, a, 2 cores.*busy machine/s);
  assert.match(text, /\| d +\| 4, 8 +\| 2, 4 +\| 1\.00 ± 0\.13 +\|/);
  const page = "x\n<!-- scaling -->\nold\n<!-- /scaling -->\ny\n";
  const again = between(between(page, "scaling", text), "scaling", "new");
  assert.equal(again, "x\n<!-- scaling -->\n\nnew\n\n<!-- /scaling -->\ny\n");
  assert.throws(() => between(page, "peers", "new"), /the marks "<!-- peers -->"/);
});
