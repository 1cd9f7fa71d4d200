/**
 * Histograms as inline SVG: binning, geometry and drawing, each apart.
 * @module
 */
import { escapeHtml } from "../html.ts";
import { type Axis, linearAxis, place, px, tickText } from "./axis.ts";

/** Counts between edges: bin i runs from `edges[i]` to `edges[i + 1]`. */
export interface Bins {
  /** Ascending, one more than there are counts. */
  edges: number[];
  /** How many fell into each bin. */
  counts: number[];
}

/** A vertical line with a word beside it. */
export interface Mark {
  /** Where, in units of the abscissa. */
  at: number;
  /** The word. */
  text: string;
}

/** What a histogram shows. */
export interface Histogram {
  /** Name read to those who do not see the chart. */
  title: string;
  /** Label and unit of the abscissa. */
  xLabel: string;
  /** Label and unit of the ordinate. */
  yLabel: string;
  /** The bins. */
  bins: Bins;
  /** Values of the abscissa that get a tick. */
  ticks: number[];
  /** How a tick is written. */
  tickText: (value: number) => string;
  /** What hovering over bin i says. */
  binText: (bin: number) => string;
  /** Lines worth a look, such as a median. */
  marks?: Mark[];
}

/** Where everything of a histogram lies, in units of its view box. */
export interface HistogramGeometry {
  /** Width and height of the view box. */
  size: [number, number];
  /** Abscissa. */
  x: Axis;
  /** Counts; its range runs upwards. */
  y: Axis;
  /** One rectangle a bin: left, top, width, height. A bin with a count is at least one unit high. */
  bars: { x: number; y: number; width: number; height: number }[];
}

const SIZE: [number, number] = [560, 250];
const MARGIN = { left: 50, right: 16, top: 34, bottom: 44 };

/**
 * Sorts values into `count` equal bins of [lo, hi]; a value on an inner edge belongs to the bin on its right,
 * values outside go to the outer bins, values that are not numbers are left out.
 */
export function binValues(values: readonly number[], lo: number, hi: number, count: number): Bins {
  const edges = Array.from({ length: count + 1 }, (_, i) => lo + (hi - lo) * i / count);
  const counts = new Array<number>(count).fill(0);
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    // The small addition keeps decimal edges such as -2.6 from falling to the left by rounding.
    const bin = Math.floor((value - lo) / (hi - lo) * count + 1e-9);
    counts[Math.min(count - 1, Math.max(0, bin))]++;
  }
  return { edges, counts };
}

/**
 * Bins of log10 densities: 50 of width 0.2 from -10 to 0, cut to the decades that hold values. When those are
 * five or fewer the bins are 0.1 wide.
 */
export function densityBins(logDensities: readonly number[]): Bins {
  const least = logDensities.reduce((a, b) => b < a ? b : a, 0);
  const lo = Math.min(-1, Math.max(-10, Math.floor(least + 1e-9)));
  return binValues(logDensities, lo, 0, Math.round(-lo * (-lo <= 5 ? 10 : 5)));
}

/**
 * Bins of L0 from counts by value, cut to the values that occur with a little air, each bin an equal whole
 * number of values wide so that there are at most `limit`.
 */
export function l0Bins(counts: readonly number[], limit = 60): Bins {
  let first = counts.findIndex((c) => c > 0);
  if (first < 0) return { edges: [0, 1], counts: [0] };
  let last = counts.length - 1;
  while (counts[last] === 0) last--;
  const air = Math.max(2, Math.ceil((last - first) * 0.05));
  first = Math.max(0, first - air);
  last += air;
  const width = Math.ceil((last - first + 1) / limit);
  first = Math.floor(first / width) * width;
  const bins: Bins = { edges: [first - 0.5], counts: [] };
  for (let from = first; from <= last; from += width) {
    bins.counts.push(counts.slice(from, from + width).reduce((a, b) => a + b, 0));
    bins.edges.push(from + width - 0.5);
  }
  return bins;
}

/** Lays a histogram out. */
export function histogramGeometry(bins: Bins, size: [number, number] = SIZE): HistogramGeometry {
  const [width, height] = size;
  const x: Axis = {
    domain: [bins.edges[0], bins.edges[bins.edges.length - 1]],
    range: [MARGIN.left, width - MARGIN.right],
    log: false,
    ticks: [],
  };
  const y = linearAxis(bins.counts, [height - MARGIN.bottom, MARGIN.top], 4);
  y.ticks = y.ticks.filter(Number.isInteger);
  const gap = bins.counts.length > 80 ? 0.4 : 1;
  const bars = bins.counts.map((count, i) => {
    const left = place(x, bins.edges[i]);
    const right = place(x, bins.edges[i + 1]);
    const tall = count > 0 ? Math.max(1, y.range[0] - place(y, count)) : 0;
    return {
      x: left + gap / 2,
      y: y.range[0] - tall,
      width: Math.max(0.3, right - left - gap),
      height: tall,
    };
  });
  return { size, x, y, bars };
}

/** Draws a histogram with axes as one `<svg>`; each bar has a `<title>`. */
export function histogram(chart: Histogram): string {
  const g = histogramGeometry(chart.bins);
  const [width, height] = g.size;
  const [left, right] = g.x.range;
  const [bottom, top] = g.y.range;
  const parts = g.y.ticks.map((tick) => {
    const at = px(place(g.y, tick));
    return `<path class="grid" d="M${left} ${at}H${right}"/>` +
      `<text class="tick" x="${left - 7}" y="${at}" dy=".32em" text-anchor="end">` +
      `${tickText(tick)}</text>`;
  });
  for (const tick of chart.ticks) {
    const at = px(place(g.x, tick));
    parts.push(
      `<path class="axis" d="M${at} ${bottom}v4"/>` +
        `<text class="tick" x="${at}" y="${bottom + 17}" text-anchor="middle">` +
        `${escapeHtml(chart.tickText(tick))}</text>`,
    );
  }
  g.bars.forEach((bar, i) => {
    if (bar.height === 0) return;
    parts.push(
      // A column of full height catches the pointer, so that a low bar can be asked too.
      `<g class="bin"><title>${escapeHtml(chart.binText(i))}</title>` +
        `<rect class="catch" x="${px(bar.x)}" y="${top}" width="${px(bar.width)}" ` +
        `height="${bottom - top}"/><rect class="bar" x="${px(bar.x)}" y="${px(bar.y)}" ` +
        `width="${px(bar.width)}" height="${px(bar.height)}"/></g>`,
    );
  });
  for (const mark of chart.marks ?? []) {
    const at = place(g.x, mark.at);
    const end = at > (left + right) / 2;
    parts.push(
      `<path class="mark" d="M${px(at)} ${top - 14}V${bottom}"/>` +
        `<text class="mark-text" x="${px(at + (end ? -5 : 5))}" y="${top - 7}" ` +
        `text-anchor="${end ? "end" : "start"}">${escapeHtml(mark.text)}</text>`,
    );
  }
  parts.push(
    `<path class="axis" d="M${left} ${bottom}H${right}"/>`,
    `<text class="label" x="0" y="12">${escapeHtml(chart.yLabel)}</text>`,
    `<text class="label" x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">` +
      `${escapeHtml(chart.xLabel)}</text>`,
  );
  return `<svg class="chart histogram" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="${escapeHtml(chart.title)}">${parts.join("")}</svg>`;
}
