/**
 * Tables of the report room in the colours of the terminal.
 * @module
 */
import { type Column, renderTable } from "../../report/terminal.ts";
import { plain, type Style } from "./style.ts";

/** Lines of a table with its headings. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string[] {
  return renderTable(rows, columns, { color: style !== plain }).split("\n");
}

/** Lines of labels and values, the labels padded to one width. */
export function factLines(facts: readonly (readonly [string, string])[], style: Style): string[] {
  const rows = facts.map(([label, value]) => [style.dim(label), value]);
  return tableLines([{ title: "" }, { title: "" }], rows, style);
}
