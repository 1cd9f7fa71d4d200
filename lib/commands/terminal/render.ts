/**
 * A stage of long work as text: a panel that is redrawn, one plain line, or the summary at its end. Pure.
 * @module
 */
import { formatBytes, formatCount, formatFigure, formatSeconds } from "../../base/format.ts";
import { sparkline } from "../../report/terminal.ts";
import { bar } from "./bar.ts";
import { isComplete, meanRate, recentRate, secondsLeft, type Stage } from "./stage.ts";
import type { Style } from "./style.ts";

/** A piece of a line and how it is painted. */
interface Piece {
  text: string;
  paint?: (text: string) => string;
}

/** Joins pieces by two spaces; the last ones are left out where the line would be wider than `width`. */
function fit(pieces: readonly Piece[], width: number): string {
  const kept: Piece[] = [];
  let used = 0;
  for (const piece of pieces) {
    const wide = [...piece.text].length + (kept.length > 0 ? 2 : 0);
    if (used + wide > width) break;
    used += wide;
    kept.push(piece);
  }
  if (kept.length === 0 && pieces.length > 0) return [...pieces[0].text].slice(0, width).join("");
  return kept.map(({ text, paint }) => paint ? paint(text) : text).join("  ");
}

function amount(value: number, unit: string): string {
  if (unit === "bytes") return formatBytes(value);
  return value < 100_000 ? String(value) : formatCount(value);
}

/** `210 / 488 steps`, `12.3 MiB / 40 MiB`. */
export function amounts(stage: Stage): string {
  const { done, total, unit } = stage;
  const suffix = unit === "bytes" ? "" : ` ${unit}`;
  return amount(done, unit) + (total === undefined ? "" : ` / ${amount(total, unit)}`) + suffix;
}

/** `12.3 steps/s`. */
function rateText(rate: number | undefined, unit: string): string | undefined {
  if (rate === undefined) return undefined;
  return unit === "bytes" ? `${formatBytes(Math.round(rate))}/s` : `${formatCount(rate)} ${unit}/s`;
}

/** The figures in their order: `fvu 0.213`, `l0 32`. */
export function figureTexts(figures: Record<string, number | string>): string[] {
  return Object.entries(figures).map(([name, value]) => {
    const short = name.slice(name.lastIndexOf("/") + 1).replaceAll("_", " ");
    return `${short} ${
      typeof value === "number" ? value >= 1e4 ? formatCount(value) : formatFigure(value, 3) : value
    }`;
  });
}

function percent(stage: Stage): string | undefined {
  if (stage.total === undefined || stage.total <= 0) return undefined;
  return `${Math.floor(100 * Math.min(1, stage.done / stage.total))} %`;
}

function defined(texts: readonly (string | undefined)[]): string[] {
  return texts.filter((text) => text !== undefined);
}

function leftText(stage: Stage): string | undefined {
  const seconds = secondsLeft(stage);
  return seconds === undefined ? undefined : `${formatSeconds(seconds)} left`;
}

/** The panel: a line with the bar, and a line with figures where there are any. */
export function renderPanel(stage: Stage, width: number, style: Style): string[] {
  const room = Math.max(20, width - 1);
  const facts = defined([
    percent(stage),
    amounts(stage),
    rateText(recentRate(stage), stage.unit),
    leftText(stage),
  ]);
  const name = stage.name.padEnd(8);
  const pieces: Piece[] = [{ text: name, paint: style.bold }];
  if (stage.total !== undefined) {
    const wanted = room - name.length - 2 - facts.reduce((sum, text) => sum + text.length + 2, 0);
    const size = Math.min(30, Math.max(8, wanted));
    const { done, left } = bar(stage.total > 0 ? stage.done / stage.total : 0, size);
    pieces.push({ text: done + left, paint: () => style.accent(done) + style.dim(left) });
  }
  pieces.push(...facts.map((text, i) => ({ text, paint: i > 1 ? style.dim : undefined })));
  const lines = [fit(pieces, room)];
  const figures: Piece[] = figureTexts(stage.figures).map((text) => ({ text }));
  if (stage.fvu.length > 2) {
    figures.push({ text: sparkline(stage.fvu, 24), paint: style.accent });
  }
  if (figures.length > 0) lines.push(fit([{ text: " ".repeat(name.length) }, ...figures], room));
  return lines;
}

/** One plain line for logs. */
export function renderLine(stage: Stage): string {
  const share = percent(stage);
  return [
    `${stage.name}: ${share ? `${share} (${amounts(stage)})` : amounts(stage)}`,
    ...defined([rateText(recentRate(stage), stage.unit), leftText(stage)]),
    ...figureTexts(stage.figures),
  ].join(", ");
}

/** The line that stays when a stage is over. */
export function renderSummary(stage: Stage, style: Style): string {
  const complete = isComplete(stage) || stage.total === undefined;
  const units = complete
    ? amount(stage.done, stage.unit) + (stage.unit === "bytes" ? "" : ` ${stage.unit}`)
    : amounts(stage);
  const seconds = Math.max(0, stage.at - stage.startedAt) / 1000;
  const rate = rateText(meanRate(stage), stage.unit);
  const took = `in ${formatSeconds(seconds)}${rate ? ` (${rate})` : ""}`;
  const head = complete ? style.good(stage.name) : style.warn(`${stage.name} stopped at`);
  return [`${head} ${units} ${style.dim(took)}`, ...figureTexts(stage.figures)].join(", ");
}
