import assert from "assert";
import {
  linearAxis,
  logAxis,
  niceStep,
  place,
  powerOfTen,
  tickText,
} from "../../lib/report/charts/axis.ts";
import {
  binValues,
  densityBins,
  histogram,
  histogramGeometry,
  l0Bins,
} from "../../lib/report/charts/histogram.ts";
import { lineChart, lineGeometry, thin } from "../../lib/report/charts/line_chart.ts";
import { barsPath, miniHistogram } from "../../lib/report/charts/mini_histogram.ts";

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
const near = (a: number, b: number, slack = 1e-9) =>
  assert.ok(Math.abs(a - b) <= slack, `${a} is not ${b}`);

Deno.test("niceStep() gives 1, 2 or 5 times a power of ten", () => {
  assert.equal(niceStep(100, 4), 50);
  assert.equal(niceStep(0.9, 4), 0.5);
  assert.equal(niceStep(7, 4), 2);
  assert.equal(niceStep(4, 4), 1);
});

Deno.test("linearAxis() starts at zero, covers all values and ends on a tick", () => {
  const axis = linearAxis([3, 17, 42], [0, 100]);
  assert.deepEqual(axis.domain, [0, 60]);
  assert.deepEqual(axis.ticks, [0, 20, 40, 60]);
  near(place(axis, 30), 50);
  assert.deepEqual(linearAxis([-3, 5], [0, 1]).domain, [-4, 6]);
  assert.deepEqual(linearAxis([0, 0], [0, 1]).domain, [0, 1]);
  assert.deepEqual(linearAxis([32, 32], [0, 1]).domain, [0, 40]);
  assert.ok(linearAxis([], [0, 1]).ticks.length > 1);
});

Deno.test("logAxis() covers all positive values and places decades evenly", () => {
  const axis = logAxis([0.002, 40, 0, NaN], [0, 100]);
  assert.deepEqual(axis.domain, [0.001, 100]);
  assert.deepEqual(axis.ticks, [0.001, 0.01, 0.1, 1, 10, 100]);
  near(place(axis, 0.01), 20, 1e-6);
  near(place(axis, 1e9), 100);
  const one = logAxis([0.2, 0.2], [0, 1]);
  assert.ok(one.domain[0] <= 0.2 && one.domain[1] > 0.2);
});

Deno.test("tickText() and powerOfTen() are short and exact", () => {
  assert.deepEqual([0, 0.05, 250, 20000, 1.5e6].map(tickText), ["0", "0.05", "250", "20k", "1.5M"]);
  assert.deepEqual([1e-6, 4e-4].map(tickText), ["10⁻⁶", "4·10⁻⁴"]);
  assert.equal(powerOfTen(-12), "10⁻¹²");
});

Deno.test("thin() keeps ends, peaks and order within the limit", () => {
  const points = Array.from({ length: 5000 }, (_, x) => ({ x, y: Math.sin(x) }));
  points[1234].y = 99;
  points[3210].y = -99;
  const kept = thin(points, 400);
  assert.ok(kept.length <= 400 && kept.length > 300);
  assert.deepEqual([kept[0], kept[kept.length - 1]], [points[0], points[4999]]);
  assert.ok(kept.includes(points[1234]) && kept.includes(points[3210]));
  assert.ok(kept.every((p, i) => i === 0 || p.x > kept[i - 1].x));
  assert.deepEqual(thin(points.slice(0, 10), 400), points.slice(0, 10));
});

Deno.test("lineGeometry() puts zero at the bottom, the last point at the right, and breaks at NaN", () => {
  const points = [{ x: 0, y: 0 }, { x: 50, y: NaN }, { x: 75, y: 5 }, { x: 100, y: 10 }];
  const g = lineGeometry({ title: "t", xLabel: "x", yLabel: "y", points });
  assert.equal(g.pieces.length, 2);
  assert.deepEqual(g.pieces[0][0], [g.x.range[0], g.y.range[0]]);
  assert.deepEqual(g.last?.at, [g.x.range[1], g.y.range[1]]);
  const [width, height] = g.size;
  for (const [x, y] of g.pieces.flat()) assert.ok(x >= 0 && x <= width && y >= 0 && y <= height);
});

Deno.test("lineGeometry() takes a logarithmic axis only for positive values over a decade", () => {
  const chart = (ys: number[], log = true) =>
    lineGeometry({
      title: "t",
      xLabel: "x",
      yLabel: "y",
      log,
      points: ys.map((y, x) => ({ x, y })),
    }).y.log;
  assert.equal(chart([5, 0.1]), true);
  assert.equal(chart([5, 0.1], false), false);
  assert.equal(chart([5, 0]), false);
  assert.equal(chart([0.5, 0.1]), false);
});

Deno.test("lineChart() has labels, units and the last value, and survives having no points", () => {
  const chart = { title: "FVU", xLabel: "training tokens", yLabel: "share <b>", points: [] };
  assert.match(lineChart(chart), /FVU: no values/);
  const svg = lineChart({ ...chart, points: [{ x: 1, y: 0.5 }, { x: 2, y: 0.25 }] });
  assert.ok(svg.includes("training tokens") && svg.includes("share &lt;b&gt;"));
  assert.match(svg, /class="last"[^>]*>0\.25</);
  assert.ok(!/NaN|Infinity|undefined/.test(svg));
});

Deno.test("binValues() counts every number once, inner edges to the right, outliers at the ends", () => {
  const bins = binValues([0, 0.1, 0.2, 0.3, 0.999, 1, 7, -7, NaN], 0, 1, 10);
  assert.deepEqual(bins.counts, [2, 1, 1, 1, 0, 0, 0, 0, 0, 3]);
  assert.equal(bins.edges.length, 11);
});

Deno.test("densityBins() are 50 over ten decades and finer bins when five are enough", () => {
  const full = densityBins([-9.9, -3, -0.05]);
  assert.equal(full.counts.length, 50);
  assert.deepEqual([full.edges[0], full.edges[50]], [-10, 0]);
  assert.equal(full.counts[35], 1, "-3 opens the bin from -3 to -2.8");
  const near = densityBins([-4.2, -3, -1]);
  assert.equal(near.counts.length, 50);
  assert.equal(near.edges[0], -5);
  assert.equal(sum(near.counts), 3);
  assert.equal(densityBins([-12]).counts[0], 1);
});

Deno.test("l0Bins() cuts to what occurs, keeps every token and stays within the limit", () => {
  const exact = new Array(33).fill(0);
  exact[32] = 500;
  const one = l0Bins(exact);
  assert.equal(sum(one.counts), 500);
  assert.deepEqual([one.edges[0], one.edges[one.edges.length - 1]], [29.5, 34.5]);
  const wide = Array.from({ length: 4096 }, (_, i) => i % 7);
  const bins = l0Bins(wide);
  assert.ok(bins.counts.length <= 62);
  assert.equal(sum(bins.counts), sum(wide));
  assert.deepEqual(l0Bins([0, 0]).counts, [0]);
});

Deno.test("histogramGeometry() makes bar heights proportional and every count visible", () => {
  const g = histogramGeometry({ edges: [0, 1, 2, 3, 4], counts: [100, 50, 0, 1] });
  const [a, b, c, d] = g.bars;
  near(a.height / b.height, 2, 1e-9);
  assert.equal(c.height, 0);
  assert.ok(d.height >= 1);
  for (const bar of g.bars) near(bar.y + bar.height, g.y.range[0]);
  assert.ok(a.x >= g.x.range[0] && d.x + d.width <= g.x.range[1]);
});

Deno.test("histogram() says in words what each bar is", () => {
  const svg = histogram({
    title: "t",
    xLabel: "x",
    yLabel: "y",
    bins: { edges: [0, 1, 2], counts: [3, 4] },
    ticks: [0, 1, 2],
    tickText: String,
    binText: (i) => `bin ${i} <&>`,
    marks: [{ at: 1, text: "middle" }],
  });
  assert.equal(svg.match(/<g class="bin">/g)?.length, 2);
  assert.ok(svg.includes("<title>bin 1 &lt;&amp;&gt;</title>") && svg.includes("middle"));
  assert.ok(!/NaN|Infinity|undefined/.test(svg));
});

Deno.test("barsPath() draws one piece a filled bin and nothing for an empty histogram", () => {
  const path = barsPath({ edges: [0, 1, 2, 3], counts: [4, 0, 1] }, 300, 100);
  assert.equal(path.match(/M/g)?.length, 2);
  assert.ok(path.startsWith("M0 100v-100"), "the fullest bin is as high as the box");
  assert.ok(path.includes("M200 100v-50"), "heights go by the square root");
  assert.equal(barsPath({ edges: [0, 0], counts: [0] }), "");
  assert.match(miniHistogram({ edges: [], counts: [] }, "t"), /no activations/);
});
