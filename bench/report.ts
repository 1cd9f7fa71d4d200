/**
 * The results of a run as one HTML page that needs no network, no server and no script.
 * @module
 */
import { escapeHtml, readableTime, slug } from "../lib/report/html.ts";
import style from "../lib/report/style.css" with { type: "text" };
import { scalingChart } from "./chart.ts";
import * as tables from "./tables.ts";
import type { BenchResult, KernelResult, StepResult } from "./types.ts";

const OWN_STYLE = `
main { padding-top: 1rem; padding-bottom: 3rem; }
section { padding-top: 1.6rem; }
h2 { margin-bottom: .5rem; }
.scroll { overflow-x: auto; }
table.bench { width: auto; margin: 0 1rem; }
table.bench th, table.bench td { padding: 3px 16px 3px 0; min-width: 0; white-space: nowrap; font-weight: 400;
  vertical-align: middle; }
table.bench thead th { color: var(--muted); }
table.bench td.word, table.bench th.word { text-align: left; }
.meter { display: inline-block; width: 110px; height: 9px; margin-left: 10px; background: var(--faint);
  border: 1px solid var(--line); }
.meter i { display: block; height: 100%; background: var(--bar); }
.shares { display: inline-flex; width: 260px; height: 12px; margin-right: 14px; vertical-align: middle;
  background: var(--faint); }
.shares i { display: block; height: 100%; border-right: 1px solid var(--page); }
svg.scaling { width: 100%; height: auto; min-width: 760px; }
pre { font: 13px/1.45 var(--mono); overflow-x: auto; margin: .5rem 0; }
`;

/** Columns that hold words; all others are numbers. */
const WORDS = ["kernel", "shape", "bound by", "family", "time by kernel"];

/** A table; cells that are HTML already are given as such. */
function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = (i: number) => WORDS.includes(titles[i]) ? ' class="word"' : "";
  const head = titles.map((t, i) => `<th${kind(i)} scope="col">${escapeHtml(t)}</th>`).join("");
  const body = rows.map((row) =>
    `<tr>${row.map((cell, i) => `<td${kind(i)}>${cell}</td>`).join("")}</tr>`
  ).join("\n");
  return `<div class="scroll"><table class="bench"><thead><tr>${head}</tr></thead><tbody>${body}` +
    `</tbody></table></div>`;
}

function section(title: string, body: string): string {
  return `<section id="${slug(title)}"><h2>${escapeHtml(title)}</h2>\n${body}\n</section>`;
}

/** A share as a bar, full at one. */
function meter(share: number): string {
  const width = (100 * Math.min(1, Math.max(0, share))).toFixed(0);
  return `<span class="meter" aria-hidden="true"><i style="width:${width}%"></i></span>`;
}

function kernelTable(kernels: readonly KernelResult[]): string {
  const roofline = tables.KERNEL_TITLES.indexOf("roofline");
  const rows = kernels.map((k) => {
    const cells = tables.kernelCells(k).map(escapeHtml);
    cells[roofline] += meter(k.share);
    return cells;
  });
  return table(tables.KERNEL_TITLES, rows);
}

/** Shares of a step's time as pieces of one bar, the rest blank. */
function sharesBar({ shares }: StepResult): string {
  const pieces = shares.filter(({ share }) => share > 0.01).map(({ kernel, share }, i) =>
    `<i style="width:${(100 * share).toFixed(1)}%;background:var(--a${9 - Math.min(8, i)})" ` +
    `title="${escapeHtml(kernel)} ${(100 * share).toFixed(0)} %"></i>`
  );
  return `<span class="shares">${pieces.join("")}</span>`;
}

function stepTable(steps: readonly StepResult[]): string {
  return [...tables.byShape(steps)].map(([shape, own]) => {
    const rows = own.map((s) => {
      const [words, ...rest] = tables.familyCells(s).map(escapeHtml).reverse();
      return [...rest.reverse(), sharesBar(s) + words];
    });
    return `<p class="note">${escapeHtml(shape)}</p>` + table(tables.FAMILY_TITLES, rows);
  }).join("\n");
}

const text = (content: string) => `<pre>${escapeHtml(content)}</pre>`;

/** Makes the page; a pure function of the results. */
export function renderBenchReport(result: BenchResult): string {
  const { machine, ceilings, kernels, real = [], steps, families = [], gaps = [] } = result;
  const { scaling = [], startup, harvest } = result;
  const warning = tables.loadWarning(machine.load[0], machine.cores);
  const sections = [
    section("Machine", text([tables.machineText(machine), warning].filter(Boolean).join("\n"))),
    ceilings && section("Ceilings", text(tables.ceilingsText(ceilings))),
    kernels.length > 0 &&
    section("Kernels, as shares of their rooflines", kernelTable(kernels)),
    real.length > 0 && section("Kernels at shapes of real work", kernelTable(real)),
    steps.length > 0 && section("Training steps, TopK", stepTable(steps)),
    families.length > 0 && section("Training steps of every family", stepTable(families)),
    gaps.length > 0 && section("Training loop, between submissions", text(tables.gapsText(gaps))),
    scaling.length > 0 && section(
      "Scaling of a TopK step",
      `<div class="scroll">${scalingChart(scaling)}</div>${text(tables.scalingText(scaling))}`,
    ),
    startup && section("Start-up", text(tables.startupText(startup))),
    harvest.length > 0 && section("Harvest", text(tables.harvestText(harvest))),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(machine.adapter)} · sdm bench</title>
<style>${style}${OWN_STYLE}</style>
</head>
<body>
<main>
<h1>sdm bench</h1>
<p class="note">${escapeHtml(readableTime(machine.date))}</p>
${sections.filter(Boolean).join("\n")}
</main>
</body>
</html>
`;
}

/** Writes the page. */
export async function writeReport(file: string, result: BenchResult): Promise<void> {
  await Deno.writeTextFile(file, renderBenchReport(result));
}
