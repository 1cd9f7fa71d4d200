/**
 * Tables, figures and sparklines as text for a terminal. Nothing is printed here, and nothing is coloured
 * unless it is asked for.
 * @module
 */
import { formatFigure } from "../base/format.ts";
import { visibleToken } from "./token_text.ts";
import type { Figure } from "./types.ts";

/** A column of a table. */
export interface Column {
  /** Heading; a table whose headings are all empty has no heading line. */
  title: string;
  /** Side on which its cells line up; left when absent. */
  align?: "left" | "right";
}

/** How text for a terminal is made. */
export interface TerminalOptions {
  /** Use colour and weight; off when absent. */
  color?: boolean;
  /** Columns of the terminal that text is wrapped to; 80 when absent. */
  width?: number;
}

/** Kinds of emphasis. */
export type Emphasis = "bold" | "dim" | "good" | "warn" | "bad";

const CODES: Record<Emphasis, [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  good: [32, 39],
  warn: [33, 39],
  bad: [31, 39],
};

/** Text with emphasis when colour is asked for, else as it is. */
export function paint(text: string, emphasis: Emphasis, color: boolean | undefined): string {
  const [on, off] = CODES[emphasis];
  return color ? `\x1b[${on}m${text}\x1b[${off}m` : text;
}

// deno-lint-ignore no-control-regex -- an escape sequence starts with one
const SEQUENCE = /\x1b\[[0-9;]*m/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const NARROWLESS = /\p{Mn}|\p{Me}|\u200d|\ufe0f/u;

/** Columns that a text takes in a terminal: two for East Asian wide characters, none for combining marks. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text.replace(SEQUENCE, "")) {
    width += NARROWLESS.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  }
  return width;
}

/** A cell on one line: control characters become visible, our own escape sequences stay. */
function clean(cell: string): string {
  const sequences = cell.match(SEQUENCE) ?? [];
  return cell.split(SEQUENCE).map((piece, i) => visibleToken(piece) + (sequences[i] ?? "")).join(
    "",
  );
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "right" ? space + text : text + space;
}

/**
 * An aligned table, two spaces between columns, no space at the ends of lines and no final line feed. A row
 * shorter than the columns is filled with empty cells.
 */
export function renderTable(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  options: TerminalOptions = {},
): string {
  const cells = rows.map((row) => columns.map((_, i) => clean(row[i] ?? "")));
  const titles = columns.map((column) => clean(column.title));
  const widths = columns.map((_, i) =>
    cells.reduce((most, row) => Math.max(most, displayWidth(row[i])), displayWidth(titles[i]))
  );
  const line = (row: string[]) =>
    row.map((cell, i) => pad(cell, widths[i], columns[i].align ?? "left")).join("  ").trimEnd();
  const lines = cells.map(line);
  if (titles.some(Boolean)) lines.unshift(paint(line(titles), "bold", options.color));
  return lines.join("\n");
}

/** Words broken into lines of at most `width` columns; a longer word gets a line of its own. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  if (line) lines.push(line);
  return lines;
}

/** Options of {@link renderFigures}. */
export interface FigureOptions extends TerminalOptions {
  /** Write each figure's definition below it. */
  definitions?: boolean;
}

/** Figures as names and values, with their definitions when asked for; a figure without value is `n/a`. */
export function renderFigures(figures: readonly Figure[], options: FigureOptions = {}): string {
  const rows = figures.map((figure) => [figure.name, formatFigure(figure.value)]);
  const columns: Column[] = [{ title: "" }, { title: "", align: "right" }];
  const lines = renderTable(rows, columns, options).split("\n");
  if (figures.length === 0) return "";
  if (!options.definitions) return lines.join("\n");
  const width = Math.max(20, (options.width ?? 80) - 4);
  return figures.flatMap((figure, i) => [
    lines[i],
    ...wrapText(figure.definition, width).map((line) => paint(`    ${line}`, "dim", options.color)),
  ]).join("\n");
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/**
 * Values as one line of bars from their smallest to their largest, averaged down to at most `width` bars. What
 * is not finite is left blank; equal values give the lowest bar.
 */
export function sparkline(values: readonly number[], width = 40): string {
  const bars = Math.min(width, values.length);
  const means = Array.from({ length: bars }, (_, i) => {
    const run = values.slice(
      Math.floor(i * values.length / bars),
      Math.floor((i + 1) * values.length / bars),
    ).filter(Number.isFinite);
    return run.length ? run.reduce((a, b) => a + b, 0) / run.length : NaN;
  });
  const finite = means.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  return means.map((mean) => {
    if (!Number.isFinite(mean)) return " ";
    return BLOCKS[high > low ? Math.min(7, Math.floor(8 * (mean - low) / (high - low))) : 0];
  }).join("");
}
