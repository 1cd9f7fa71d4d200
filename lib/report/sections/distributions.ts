/**
 * The two distributions of the code: how often latents fire, and how many fire on a token.
 * @module
 */
import { powerOfTen, tickText } from "../charts/axis.ts";
import { niceStep } from "../charts/axis.ts";
import { densityBins, histogram, l0Bins, type Mark } from "../charts/histogram.ts";
import { formatFigure } from "../../base/format.ts";
import { grouped, percent } from "../html.ts";
import type { ReportData } from "../types.ts";

/** Mean and quantiles of a distribution over 0, 1, 2, … given as counts; null when it is empty. */
export function countStatistics(
  counts: readonly number[],
): { mean: number; median: number; p5: number; p95: number } | null {
  const total = counts.reduce((a, b) => a + b, 0);
  if (!(total > 0)) return null;
  const quantile = (q: number) => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) >= q * total);
  };
  const mean = counts.reduce((sum, count, i) => sum + count * i, 0) / total;
  return { mean, median: quantile(0.5), p5: quantile(0.05), p95: quantile(0.95) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function densityFigure(data: ReportData): string {
  const values = data.logDensities.filter(Number.isFinite);
  const total = values.length + data.silentLatents;
  const silence = `${grouped(data.silentLatents)} of ${grouped(total)} latents ` +
    `(${total ? percent(data.silentLatents / total) : "n/a"}) never fired here and are not drawn.`;
  const head = `<figcaption>Density of latents</figcaption>`;
  if (values.length === 0) {
    return `<figure>${head}<p class="none">No latent fired.</p><p class="note">${silence}</p></figure>`;
  }
  const bins = densityBins(values);
  const lo = bins.edges[0];
  const ticks = Array.from({ length: Math.round(-lo) + 1 }, (_, i) => lo + i);
  const middle = median(values);
  const marks: Mark[] = [{ at: middle, text: `median ${percent(10 ** middle)}` }];
  const dense = values.filter((v) => v > -1).length;
  const chart = histogram({
    title: `Histogram of the density of ${grouped(values.length)} latents`,
    xLabel: "density: share of tokens on which a latent fires (log scale)",
    yLabel: "latents",
    bins,
    ticks,
    tickText: (tick) => tick === 0 ? "1" : powerOfTen(Math.round(tick)),
    binText: (i) =>
      `${grouped(bins.counts[i])} latents fire on ${percent(10 ** bins.edges[i])} to ` +
      `${percent(10 ** bins.edges[i + 1])} of tokens`,
    marks,
  });
  const least = data.evalTokens > 0
    ? ` The rarest that ${grouped(data.evalTokens)} tokens can show is one in ` +
      `${grouped(data.evalTokens)}.`
    : "";
  return `<figure>${head}${chart}<p class="note">${silence} ${grouped(dense)} fire on more than ` +
    `10 % of tokens.${least}</p></figure>`;
}

function l0Figure(data: ReportData): string {
  const head = `<figcaption>Active latents per token (L0)</figcaption>`;
  const facts = countStatistics(data.l0Counts);
  if (!facts) return `<figure>${head}<p class="none">Not measured.</p></figure>`;
  const bins = l0Bins(data.l0Counts);
  const [lo, hi] = [bins.edges[0] + 0.5, bins.edges[bins.edges.length - 1] - 0.5];
  const step = Math.max(1, niceStep(hi - lo, 6));
  const ticks: number[] = [];
  for (let tick = Math.ceil(lo / step) * step; tick <= hi; tick += step) ticks.push(tick);
  const chart = histogram({
    title: "Histogram of the number of active latents per token",
    xLabel: "active latents on a token",
    yLabel: "tokens",
    bins,
    ticks,
    tickText,
    binText: (i) => {
      const [from, to] = [bins.edges[i] + 0.5, bins.edges[i + 1] - 0.5];
      return `${grouped(bins.counts[i])} tokens have ${from === to ? from : `${from} to ${to}`} ` +
        `active latents`;
    },
    marks: [{ at: facts.mean, text: `mean ${formatFigure(facts.mean, 3)}` }],
  });
  return `<figure>${head}${chart}<p class="note">Median ${facts.median}; nine tokens in ten have ` +
    `${facts.p5} to ${facts.p95}.</p></figure>`;
}

/** The section of distributions. */
export function renderDistributions(data: ReportData): string {
  return `<section id="distributions"><h2>Distributions</h2><div class="charts wide">` +
    `${densityFigure(data)}${l0Figure(data)}</div></section>`;
}
