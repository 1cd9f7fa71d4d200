/**
 * The small histogram of a card: one path for all bars, because a page holds a hundred of them.
 * @module
 */
import { formatFigure } from "../../base/format.ts";
import { escapeHtml } from "../html.ts";
import { px } from "./axis.ts";
import type { Bins } from "./histogram.ts";

const WIDTH = 240;
const HEIGHT = 64;

/**
 * The bars as one path in a box of `width` by `height`: heights by square root of the share of the fullest
 * bin, because a latent's activations crowd near zero and the interesting ones are the few far out.
 */
export function barsPath(bins: Bins, width: number = WIDTH, height: number = HEIGHT): string {
  const [lo, hi] = [bins.edges[0], bins.edges[bins.edges.length - 1]];
  const most = bins.counts.reduce((a, b) => Math.max(a, b), 0);
  if (most === 0 || !(hi > lo)) return "";
  return bins.counts.map((count, i) => {
    if (!(count > 0)) return "";
    const left = (bins.edges[i] - lo) / (hi - lo) * width;
    const wide = Math.max(0.5, (bins.edges[i + 1] - bins.edges[i]) / (hi - lo) * width - 0.8);
    const tall = Math.max(1, Math.sqrt(count / most) * height);
    return `M${px(left)} ${height}v-${px(tall)}h${px(wide)}v${px(tall)}z`;
  }).join("");
}

/** Draws the small histogram; `data-edges` and `data-counts` let a script say what is under the pointer. */
export function miniHistogram(bins: Bins, title: string): string {
  const lo = bins.edges[0] ?? 0;
  const hi = bins.edges[bins.edges.length - 1] ?? 0;
  const path = barsPath(bins);
  if (!path) return `<p class="none">no activations to count</p>`;
  const edges = bins.edges.map((e) => Number(e.toPrecision(4))).join(" ");
  return `<svg class="chart mini" viewBox="0 0 ${WIDTH} ${HEIGHT + 16}" role="img" ` +
    `aria-label="${escapeHtml(title)}" data-edges="${edges}" ` +
    `data-counts="${bins.counts.join(" ")}"><path class="bar" d="${path}"/>` +
    `<path class="axis" d="M0 ${HEIGHT}H${WIDTH}"/>` +
    `<text class="tick" x="0" y="${HEIGHT + 13}">${formatFigure(lo, 3)}</text>` +
    `<text class="tick" x="${WIDTH}" y="${HEIGHT + 13}" text-anchor="end">` +
    `${formatFigure(hi, 3)}</text></svg>`;
}
