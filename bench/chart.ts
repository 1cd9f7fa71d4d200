/**
 * Scaling curves as one picture: a panel a size, both axes logarithmic, points with their range and the fitted line. Pure.
 * @module
 */
import { type Axis, logAxis, place, px, tickText } from "../lib/report/charts/axis.ts";
import { escapeHtml } from "../lib/report/html.ts";
import { exponentText, LETTERS, shapeText } from "./tables.ts";
import type { ScalingCurve } from "./types.ts";

/** Width and height of a panel. */
const PANEL: [number, number] = [300, 230];
const MARGIN = { left: 46, right: 14, top: 40, bottom: 40 };

const NAMES: Readonly<Record<ScalingCurve["of"], string>> = {
  latents: "latents F",
  d: "width d",
  k: "active latents k",
  rows: "rows of a batch B",
};

/** An ordinate with a range that goes upwards, ticks at most. */
function panelAxes(curve: ScalingCurve, yValues: readonly number[]): { x: Axis; y: Axis } {
  const [width, height] = PANEL;
  return {
    x: logAxis(curve.points.map((p) => p.at), [MARGIN.left, width - MARGIN.right]),
    y: logAxis(yValues, [height - MARGIN.bottom, MARGIN.top]),
  };
}

function panel(curve: ScalingCurve, yValues: readonly number[], offset: number): string {
  const { x, y } = panelAxes(curve, yValues);
  const [left, right] = x.range;
  const [bottom, top] = y.range;
  const parts: string[] = [];
  for (const tick of y.ticks) {
    const at = px(place(y, tick));
    parts.push(
      `<path class="grid" d="M${left} ${at}H${right}"/><text class="tick" x="${left - 6}" ` +
        `y="${at}" dy=".32em" text-anchor="end">${tickText(tick)}</text>`,
    );
  }
  // The measured sizes are the ticks: they are powers of two.
  for (const { at } of curve.points) {
    const where = px(place(x, at));
    parts.push(
      `<path class="axis" d="M${where} ${bottom}v4"/><text class="tick" x="${where}" ` +
        `y="${bottom + 16}" text-anchor="middle">${at}</text>`,
    );
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  const line = [curve.points[0].at, curve.points[curve.points.length - 1].at]
    .map((at) => {
      const ms = curve.factor * at ** curve.exponent;
      return `${px(place(x, at))} ${px(place(y, ms))}`;
    });
  parts.push(`<path class="fit" d="M${line.join("L")}"/>`);
  for (const p of curve.points) {
    const cx = px(place(x, p.at));
    parts.push(
      `<path class="range" d="M${cx} ${px(place(y, p.minMs))}V${
        px(place(y, p.minMs + p.spread * p.medianMs))
      }"/><circle class="dot" cx="${cx}" cy="${px(place(y, p.medianMs))}" r="3.4"/>`,
    );
  }
  const title = `${NAMES[curve.of]}: ${LETTERS[curve.of]}^(${exponentText(curve)})`;
  parts.push(
    `<text class="title" x="${left}" y="${top - 20}">${escapeHtml(title)}</text>`,
    `<text class="tick" x="0" y="${top - 6}">ms</text>`,
  );
  return `<g transform="translate(${offset} 0)">${parts.join("")}</g>`;
}

const STYLE = "text{font:11px system-ui,sans-serif;fill:#3d454d}.title{font-weight:600}" +
  ".grid{stroke:#8884;fill:none}.axis{stroke:#888;fill:none}.fit{stroke:#0f6e6a;fill:none;" +
  "stroke-width:1.5;stroke-dasharray:5 3}.range{stroke:#a84d18;fill:none}.dot{fill:#a84d18}" +
  "@media(prefers-color-scheme:dark){text{fill:#c6cbd0}.fit{stroke:#64c3bb}" +
  ".dot{fill:#eda06a}.range{stroke:#eda06a}}";

/** The picture. */
export function scalingChart(curves: readonly ScalingCurve[]): string {
  const all = curves.flatMap((c) =>
    c.points.flatMap((p) => [p.minMs, p.minMs + p.spread * p.medianMs])
  );
  const [width, height] = [PANEL[0] * curves.length, PANEL[1]];
  const spoken = curves.map((c) => `${NAMES[c.of]}, exponent ${exponentText(c)}`).join("; ");
  const around = curves.length > 0 ? shapeText(curves[0].base) : "nothing";
  const panels = curves.map((c, i) => panel(c, all, i * PANEL[0])).join("\n");
  return `<svg class="chart scaling" xmlns="http://www.w3.org/2000/svg" ` +
    `viewBox="0 0 ${width} ${height}" role="img" ` +
    `aria-label="${escapeHtml(`Time of a TopK step around ${around}: ${spoken}`)}">\n` +
    `<style>${STYLE}</style>\n` +
    `<text x="${MARGIN.left}" y="${height - 6}">around ${escapeHtml(around)}; both axes ` +
    `logarithmic; bars from the fastest to the slowest round</text>\n${panels}\n</svg>\n`;
}
