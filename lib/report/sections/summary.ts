/**
 * The head of the page: title, the figures that say most, and the facts of the run.
 * @module
 */
import { formatFigure } from "../../base/format.ts";
import { escapeHtml, grouped, percent, readableTime, slug } from "../html.ts";
import { metricFacts } from "../metric_facts.ts";
import type { Figure, ReportData } from "../types.ts";

/** Figures fit for the head, in order; the first four that the dictionary has are shown. */
const HEADLINES = [
  "recon/fvu",
  "sparsity/l0",
  "model/ce_loss_score",
  "sparsity/dead_frac",
  "recon/explained_variance",
  "recon/mse",
];

/** Title, time, version and the sentence that says what all figures rest on. */
export function renderHeader(data: ReportData): string {
  const silent = data.silentLatents;
  const total = silent + data.logDensities.length;
  const parts = [
    data.evalTokens > 0 ? `Figures rest on ${grouped(data.evalTokens)} held-out tokens` : "",
    total > 0 ? `${grouped(total)} latents, ${grouped(silent)} of them silent there` : "",
    data.latents.length > 0 ? `${grouped(data.latents.length)} shown below` : "",
  ].filter(Boolean);
  return `<header class="head" id="top"><p class="kicker">Sparse dictionary report</p>` +
    `<h1>${escapeHtml(data.title)}</h1>` +
    `<p class="sub"><time datetime="${escapeHtml(data.created)}">` +
    `${escapeHtml(readableTime(data.created))}</time> · sdm ${escapeHtml(data.version)}` +
    `${parts.length ? ` · ${parts.join(" · ")}` : ""}</p></header>`;
}

/** Up to four large figures of the dictionary, each with the baselines' figures below it. */
export function renderHeadlines(data: ReportData): string {
  const [trained, ...others] = data.contenders;
  if (!trained) return "";
  const tiles = HEADLINES
    .map((name) => trained.figures.find((f) => f.name === name))
    .filter((f): f is Figure => f !== undefined && f.value !== null)
    .slice(0, 4)
    .map((figure) => {
      const facts = metricFacts(figure.name);
      const show = (value: number | null | undefined) =>
        facts.share ? percent(value) : formatFigure(value, 3);
      const beside = others.map((other) => {
        const value = other.figures.find((f) => f.name === figure.name)?.value;
        return `<span>${escapeHtml(briefly(other.name))} <b>${show(value)}</b></span>`;
      }).join("");
      return `<a class="tile" href="#def-${slug(figure.name)}" ` +
        `title="${escapeHtml(figure.definition)}"><span class="name">${escapeHtml(facts.short)}` +
        `</span><strong>${show(figure.value)}</strong><span class="words">` +
        `${escapeHtml(facts.words)}</span><span class="beside">${beside}</span></a>`;
    });
  return tiles.length ? `<div class="tiles">${tiles.join("")}</div>` : "";
}

/** The words before the first comma: enough of a contender's name to know it by. */
export function briefly(name: string): string {
  const head = name.split(",")[0].trim();
  return head.length > 22 ? `${head.slice(0, 21).trimEnd()}…` : head;
}

/** The facts of the run as a definition list. */
export function renderFacts(data: ReportData): string {
  if (data.facts.length === 0) return "";
  const rows = data.facts.map(([label, value]) =>
    `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`
  ).join("");
  return `<section id="run"><h2>Run</h2><dl class="facts">${rows}</dl></section>`;
}
