/**
 * A line chart as inline SVG. Geometry is computed apart from the drawing, so that it can be tested.
 * @module
 */
import { formatFigure } from "../../base/format.ts";
import { escapeHtml } from "../html.ts";
import { type Axis, linearAxis, logAxis, place, px, tickText } from "./axis.ts";

/** A point of a chart. */
export interface Point {
  /** Abscissa. */
  x: number;
  /** Ordinate; a value that is not finite breaks the line. */
  y: number;
}

/** What a line chart shows. */
export interface LineChart {
  /** Name read to those who do not see the chart. */
  title: string;
  /** Label and unit of the abscissa. */
  xLabel: string;
  /** Label and unit of the ordinate. */
  yLabel: string;
  /** Points by ascending x. */
  points: readonly Point[];
  /** Ask for a logarithmic ordinate; taken when all values are positive and span more than a factor of ten. */
  log?: boolean;
}

/** Where everything of a line chart lies, in units of its view box. */
export interface LineGeometry {
  /** Width and height of the view box. */
  size: [number, number];
  /** Abscissa. */
  x: Axis;
  /** Ordinate; its range runs upwards. */
  y: Axis;
  /** Unbroken pieces of the line, in pixels. */
  pieces: [number, number][][];
  /** The last finite point and where it lies; absent when there is none. */
  last?: { point: Point; at: [number, number] };
  /** The points drawn, after thinning. */
  shown: Point[];
}

const SIZE: [number, number] = [400, 236];
const MARGIN = { left: 46, right: 52, top: 26, bottom: 40 };

/**
 * At most about `limit` points that keep every peak and trough: the first, the last, and of each of equal
 * runs between them the smallest and the largest, in order.
 */
export function thin(points: readonly Point[], limit = 400): Point[] {
  if (points.length <= limit) return [...points];
  const runs = Math.max(1, Math.floor((limit - 2) / 2));
  const inner = points.slice(1, -1);
  const kept: Point[] = [points[0]];
  for (let r = 0; r < runs; r++) {
    const from = Math.floor(r * inner.length / runs);
    const run = inner.slice(from, Math.floor((r + 1) * inner.length / runs));
    const broken = run.find((p) => !Number.isFinite(p.y));
    let low = run[0], high = run[0];
    for (const p of run) {
      if (p.y < low.y) low = p;
      if (p.y > high.y) high = p;
    }
    const chosen = new Set(broken ? [low, high, broken] : [low, high]);
    kept.push(...run.filter((p) => chosen.has(p)));
  }
  kept.push(points[points.length - 1]);
  return kept;
}

/** Lays a line chart out. */
export function lineGeometry(chart: LineChart): LineGeometry {
  const shown = thin(chart.points);
  const finite = shown.filter((p) => Number.isFinite(p.y) && Number.isFinite(p.x));
  const ys = finite.map((p) => p.y);
  const low = ys.reduce((a, b) => Math.min(a, b), Infinity);
  const high = ys.reduce((a, b) => Math.max(a, b), -Infinity);
  const log = Boolean(chart.log) && low > 0 && high > 10 * low;
  const [width, height] = SIZE;
  const xRange: [number, number] = [MARGIN.left, width - MARGIN.right];
  const yRange: [number, number] = [height - MARGIN.bottom, MARGIN.top];
  const x = linearAxis(finite.map((p) => p.x), xRange, 4, true);
  const y = log ? logAxis(ys, yRange) : linearAxis(ys, yRange, 4);
  const pieces: [number, number][][] = [];
  let open = false;
  for (const p of shown) {
    if (!Number.isFinite(p.y) || !Number.isFinite(p.x)) {
      open = false;
      continue;
    }
    if (!open) pieces.push([]);
    pieces[pieces.length - 1].push([place(x, p.x), place(y, p.y)]);
    open = true;
  }
  const point = finite[finite.length - 1];
  const last = point && { point, at: [place(x, point.x), place(y, point.y)] as [number, number] };
  return { size: SIZE, x, y, pieces, last, shown };
}

/** Draws a line chart as one `<svg>`; `data-points` holds the points shown, for a script to read. */
export function lineChart(chart: LineChart): string {
  const g = lineGeometry(chart);
  const [width, height] = g.size;
  const [left, right] = g.x.range;
  const [bottom] = g.y.range;
  const parts = g.y.ticks.map((tick) => {
    const at = px(place(g.y, tick));
    return `<path class="grid" d="M${left} ${at}H${right}"/>` +
      `<text class="tick" x="${left - 7}" y="${at}" dy=".32em" text-anchor="end">` +
      `${tickText(tick)}</text>`;
  });
  for (const tick of g.x.ticks) {
    const at = px(place(g.x, tick));
    parts.push(
      `<path class="axis" d="M${at} ${bottom}v4"/>` +
        `<text class="tick" x="${at}" y="${bottom + 16}" text-anchor="middle">` +
        `${tickText(tick)}</text>`,
    );
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  const scale = g.y.log ? " (log scale)" : "";
  parts.push(
    `<text class="label" x="0" y="12">${escapeHtml(chart.yLabel)}${scale}</text>`,
    `<text class="label" x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">` +
      `${escapeHtml(chart.xLabel)}</text>`,
  );
  for (const piece of g.pieces) {
    const path = piece.length === 1
      ? `M${px(piece[0][0])} ${px(piece[0][1])}h.1`
      : "M" + piece.map(([x, y]) => `${px(x)} ${px(y)}`).join("L");
    parts.push(`<path class="line" d="${path}"/>`);
  }
  if (g.last) {
    const [x, y] = g.last.at;
    parts.push(
      `<circle class="dot" cx="${px(x)}" cy="${px(y)}" r="3.2"/>` +
        `<text class="last" x="${px(x + 8)}" y="${px(y)}" dy=".34em">` +
        `${formatFigure(g.last.point.y, 3)}</text>`,
    );
  }
  const data = g.shown.filter((p) => Number.isFinite(p.y))
    .map((p) => `${Number(p.x.toPrecision(9))},${short(p.y)}`).join(" ");
  const frame = [...g.x.domain, ...g.x.range, ...g.y.domain, ...g.y.range].map(short).join(" ");
  return `<svg class="chart line-chart" viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="${escapeHtml(spoken(chart, g))}" data-points="${data}" data-frame="${frame}"` +
    `${g.y.log ? " data-log" : ""}>${parts.join("")}</svg>`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(5)));
}

function spoken(chart: LineChart, g: LineGeometry): string {
  const first = g.shown.find((p) => Number.isFinite(p.y));
  if (!first || !g.last) return `${chart.title}: no values`;
  return `${chart.title} over ${chart.xLabel}: from ${formatFigure(first.y, 3)} ` +
    `to ${formatFigure(g.last.point.y, 3)}`;
}
