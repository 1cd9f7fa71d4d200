/**
 * Markdown as `deno fmt` leaves it: padded tables, lines that end before column 100.
 * @module
 */
import { displayWidth, wrapText } from "./terminal.ts";

/** Longest line of text. */
const WIDTH = 100;

/** A table, its cells padded. */
export function markdownTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = [titles, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = titles.map((_, i) => Math.max(1, ...cells.map((row) => displayWidth(row[i]))));
  const line = (row: readonly string[]) =>
    `| ${row.map((c, i) => c + " ".repeat(widths[i] - displayWidth(c))).join(" | ")} |`;
  const [head, ...body] = cells.map(line);
  return [head, line(widths.map((w) => "-".repeat(w))), ...body].join("\n");
}

/** A paragraph in lines, `less` shorter than others. */
export function markdownText(text: string, less = 0): string {
  return wrapText(text, WIDTH - less).join("\n");
}

/** Blocks with an empty line between them, as a file. */
export function markdownPage(blocks: readonly string[]): string {
  return blocks.join("\n\n") + "\n";
}
