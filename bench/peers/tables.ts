/**
 * Results of the comparison with other programs as text; pure.
 * @module
 */
import { formatCount, formatFigure } from "../../lib/base/format.ts";
import { markdownTable, markdownText } from "../../lib/report/markdown.ts";
import { type Column, renderTable } from "../../lib/report/terminal.ts";
import { machineLine } from "../pages.ts";
import { median } from "../stats.ts";
import { loadWarning, shapeText } from "../tables.ts";
import type { PeerResult, PeerRun } from "./types.ts";

const TITLES = [
  "peer",
  "method",
  "shape",
  "ours, ms",
  "theirs, ms",
  "our tokens/s",
  "ratio",
  "range",
  "CPU ratio",
  "losses differ by",
];

function cells(r: PeerResult): string[] {
  const ms = (values: readonly number[]) => formatFigure(median(values), 3);
  const { count, difference, tolerance } = r.losses;
  const verdict = difference <= tolerance ? "" : " (TOO MUCH)";
  return [
    r.peer,
    r.variant ? `${r.method}, ${r.variant}` : r.method,
    shapeText(r.shape),
    ms(r.ourMs),
    ms(r.theirMs),
    formatCount(r.shape.rows / median(r.ourMs) * 1000),
    r.ratio.toFixed(2),
    r.range.map((v) => v.toFixed(2)).join("–"),
    r.cpuRatio.toFixed(2),
    `${difference.toExponential(0)} in ${count} steps${verdict}`,
  ];
}

/** The table for a terminal. */
export function peersText(results: readonly PeerResult[]): string {
  const columns = TITLES.map((title, i): Column => ({ title, align: i < 3 ? "left" : "right" }));
  return renderTable(results.map(cells), columns);
}

/** Why a peer did not run. */
export function troublesText(troubles: PeerRun["troubles"]): string {
  return troubles.map((t) => `${t.peer}, ${t.method}: ${t.reason}`).join("\n");
}

/** The part of `docs/performance.md`. */
export function peersMarkdown({ machine, results, troubles }: PeerRun): string {
  const [first] = results;
  const torch = first ? ` PyTorch ${first.torch} with ${first.threads} threads.` : "";
  const waiting = loadWarning(machine.load[0], machine.cores)
    ? " Its threads slept while they waited, since others used the machine."
    : "";
  return [
    machineLine(machine),
    markdownText(
      "Times are of a step, medians of the turns; the ratio is theirs over ours, so that above 1 " +
        "this program is faster, with the smallest and largest of two neighbouring turns. The CPU " +
        `ratio is that of processor seconds: where it is far below the ratio, others used the machine.${torch}${waiting}`,
    ),
    markdownTable(TITLES, results.map(cells)),
    ...troubles.length > 0 ? [markdownText(`Not run: ${troublesText(troubles)}`)] : [],
  ].join("\n\n");
}
