/**
 * Training curves: the three that matter most in view, all others folded away.
 * @module
 */
import { lineChart, type Point } from "../charts/line_chart.ts";
import { escapeHtml, slug } from "../html.ts";
import { metricFacts } from "../metric_facts.ts";
import type { ReportData } from "../types.ts";

const FIRST = ["recon/fvu", "sparsity/l0", "sparsity/dead_frac"];

/** The points of one metric; training points that lack it are left out. */
export function curvePoints(data: ReportData, name: string): Point[] {
  return data.curve
    .filter((point) => Object.hasOwn(point.values, name))
    .map((point) => ({ x: point.tokens, y: point.values[name] }));
}

/** Metrics that the curve holds, the important ones first, the others by name. */
export function curveNames(data: ReportData): string[] {
  const names = new Set<string>();
  for (const point of data.curve) for (const name of Object.keys(point.values)) names.add(name);
  const others = [...names].filter((name) => !FIRST.includes(name)).sort();
  return [...FIRST.filter((name) => names.has(name)), ...others];
}

function figure(data: ReportData, name: string): string {
  const facts = metricFacts(name);
  const definition = data.contenders.flatMap((c) => c.figures).find((f) => f.name === name)
    ?.definition;
  const known = definition
    ? `<a class="metric" href="#def-${slug(name)}" title="${escapeHtml(definition)}">` +
      `${escapeHtml(facts.short)}</a>`
    : escapeHtml(facts.short);
  const chart = lineChart({
    title: facts.short,
    xLabel: "training tokens",
    yLabel: facts.words,
    points: curvePoints(data, name),
    log: facts.log,
  });
  return `<figure><figcaption>${known}</figcaption>${chart}</figure>`;
}

/** The section of training curves, or a sentence when there are none. */
export function renderCurves(data: ReportData): string {
  const names = curveNames(data);
  if (names.length === 0) {
    return `<section id="training"><h2>Training</h2><p class="none">No training curves: this ` +
      `dictionary is shown without its run.</p></section>`;
  }
  const shown = names.filter((name) => FIRST.includes(name));
  const first = shown.length ? shown : names.slice(0, 3);
  const rest = names.filter((name) => !first.includes(name));
  const more = rest.length
    ? `<details class="more"><summary>${rest.length} more ` +
      `${rest.length === 1 ? "curve" : "curves"}</summary><div class="charts">` +
      `${rest.map((name) => figure(data, name)).join("")}</div></details>`
    : "";
  return `<section id="training"><h2>Training</h2><p class="note">Measured on training batches; ` +
    `the number at the end of a line is its last value.</p>` +
    `<div class="charts">${
      first.map((name) => figure(data, name)).join("")
    }</div>${more}</section>`;
}
