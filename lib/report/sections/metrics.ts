/**
 * The table of held-out metrics: contenders side by side, the best marked where better is known.
 * @module
 */
import { formatFigure } from "../../base/format.ts";
import { escapeHtml, grouped, slug } from "../html.ts";
import { metricFacts } from "../metric_facts.ts";
import type { Contender, ReportData } from "../types.ts";

/** Names of all metrics, in the order in which contenders bring them, areas kept together. */
export function metricNames(contenders: readonly Contender[]): string[] {
  const names = new Set(contenders.flatMap((c) => c.figures.map((f) => f.name)));
  const areas = [...new Set([...names].map(areaOf))];
  return areas.flatMap((area) => [...names].filter((name) => areaOf(name) === area));
}

function areaOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
}

/**
 * Which contenders hold the best value of a metric, as shown: equal figures share the mark. None is marked
 * when no direction is known to be better, when fewer than two have a value, or when all are equal.
 */
export function bestOf(name: string, values: readonly (number | null)[]): boolean[] {
  const better = metricFacts(name).better;
  const finite = values.filter((v): v is number => v !== null && Number.isFinite(v));
  const nobody = values.map(() => false);
  if (!better || finite.length < 2) return nobody;
  const best = finite.reduce((a, b) => better === "lower" ? Math.min(a, b) : Math.max(a, b));
  const marks = values.map((v) => v !== null && formatFigure(v) === formatFigure(best));
  return marks.filter(Boolean).length === finite.length ? nobody : marks;
}

/** A metric's name that a narrow table may break after its separators. */
function breakable(name: string): string {
  return escapeHtml(name).replace(/[/_]/g, "$&<wbr>");
}

function row(name: string, contenders: readonly Contender[]): string {
  const figures = contenders.map((c) => c.figures.find((f) => f.name === name));
  const values = figures.map((f) => f?.value ?? null);
  const best = bestOf(name, values);
  const { better } = metricFacts(name);
  const definition = figures.find((f) => f)?.definition ?? "";
  const arrow = better
    ? `<span class="way" title="${better} is better">${better === "lower" ? "↓" : "↑"}` +
      `<span class="sr"> ${better} is better</span></span>`
    : "";
  const cells = values.map((value, i) =>
    `<td${best[i] ? ' class="best"' : ""}>` +
    `${
      value === null || Number.isNaN(value) ? `<span class="na">n/a</span>` : formatFigure(value)
    }` +
    `${best[i] ? `<span class="sr"> (best)</span>` : ""}</td>`
  ).join("");
  return `<tr><th scope="row"><a class="metric" href="#def-${slug(name)}" ` +
    `title="${escapeHtml(definition)}">${breakable(name)}</a>${arrow}</th>${cells}</tr>`;
}

/** The section of held-out metrics. */
export function renderMetrics(data: ReportData): string {
  const { contenders } = data;
  const names = metricNames(contenders);
  if (names.length === 0) {
    return `<section id="metrics"><h2>Held-out metrics</h2><p class="none">Not evaluated.</p></section>`;
  }
  const heads = contenders.map((c) =>
    `<th scope="col">${escapeHtml(c.name)}<small>${escapeHtml(c.what)}</small></th>`
  ).join("");
  let area: string | null = null;
  const bodies = names.map((name) => {
    const open = areaOf(name) !== area ? `${area === null ? "" : "</tbody>"}<tbody>` : "";
    area = areaOf(name);
    return open + row(name, contenders);
  }).join("");
  return `<section id="metrics"><h2>Held-out metrics</h2><p class="note">On ` +
    `${grouped(data.evalTokens)} tokens that were not trained on. A name explains itself when ` +
    `pointed at, and in the <a href="#definitions">definitions</a>. A dot marks the ` +
    `best of a row, only where lower ↓ or higher ↑ is known to be better.</p>` +
    `<div class="scroll" tabindex="0" role="region" aria-label="Held-out metrics"><table>` +
    `<thead><tr><th scope="col">Metric</th>${heads}</tr></thead>${bodies}</tbody></table></div></section>`;
}
