/**
 * Rows of text in columns. Pure.
 * @module
 */
import type { Style } from "./style.ts";

/** How a column is set. */
export interface Column {
  /** Heading. */
  title: string;
  /** Numbers stand at the right. */
  right?: boolean;
}

const wide = (text: string) => [...text].length;

/** Lines of a table with its headings; the last column is not padded. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string[] {
  const widths = columns.map((column, i) =>
    Math.max(wide(column.title), ...rows.map((row) => wide(row[i] ?? "")))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => {
      const space = " ".repeat(Math.max(0, widths[i] - wide(cell)));
      if (columns[i].right) return space + cell;
      return i === cells.length - 1 ? cell : cell + space;
    }).join("  ");
  return [style.bold(line(columns.map(({ title }) => title))), ...rows.map(line)];
}

/** Lines of labels and values, the labels padded to one width. */
export function factLines(facts: readonly (readonly [string, string])[], style: Style): string[] {
  const width = Math.max(0, ...facts.map(([label]) => wide(label)));
  return facts.map(([label, value]) =>
    `${style.dim(label + " ".repeat(width - wide(label)))}  ${value}`
  );
}
