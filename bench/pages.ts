/**
 * Tables of measurements in `docs/performance.md`, each between two marks, and the picture beside them.
 * @module
 */
import { SdmError } from "../lib/base/errors.ts";
import { markdownTable, markdownText } from "../lib/report/markdown.ts";
import { scalingChart } from "./chart.ts";
import { exponentText, LETTERS, loadWarning, shapeText } from "./tables.ts";
import type { BenchResult, Machine, ScalingCurve } from "./types.ts";

const PAGE = new URL("../docs/performance.md", import.meta.url);
const PICTURE = new URL("../docs/images/scaling.svg", import.meta.url);

/**
 * The page with another text between the marks `<!-- name -->` and `<!-- /name -->`.
 * @throws SdmError when the page has no such marks
 */
export function between(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(begin), to = page.indexOf(end);
  if (from < 0 || to < from) {
    throw new SdmError(
      `Cannot write docs/performance.md: the marks "${begin}" and its end are needed`,
    );
  }
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

/** Puts a text between the marks of the page on disk. */
export async function writePage(name: string, text: string): Promise<void> {
  await Deno.writeTextFile(PAGE, between(await Deno.readTextFile(PAGE), name, text));
}

/** Where and when, as a sentence. */
export function machineLine(machine: Machine): string {
  const warning = loadWarning(machine.load[0], machine.cores);
  return markdownText(
    `${machine.date.slice(0, 10)}, ${machine.adapter}, ${machine.cores} cores, Deno ` +
      `${machine.deno}, load average ${machine.load[0].toFixed(1)} before the run` +
      `${warning ? ": a busy machine, of which only ratios within the run count" : ""}.`,
  );
}

/** The table of the curves. */
export function scalingMarkdown(machine: Machine, curves: readonly ScalingCurve[]): string {
  const rows = curves.map((c) => [
    LETTERS[c.of],
    c.points.map((p) => p.at).join(", "),
    c.points.map((p) => Number(p.medianMs.toPrecision(3))).join(", "),
    exponentText(c),
  ]);
  const base = curves[0]?.base;
  return [
    machineLine(machine),
    markdownText(
      `A TopK step around ${shapeText(base)}; sum of its kernels, median of the rounds. The ` +
        "exponent is that of a power law, fitted to the logarithms by least squares, with its " +
        "standard error.",
    ),
    markdownTable(["varies", "values", "step, ms", "exponent"], rows),
    "![Scaling of a TopK step](images/scaling.svg)",
  ].join("\n\n");
}

/** Writes table and picture of a run's curves into `docs/`. */
export async function writeScalingPage({ machine, scaling = [] }: BenchResult): Promise<void> {
  if (scaling.length === 0) {
    throw new SdmError(
      "Cannot write docs/performance.md: no curves were measured, scaling is needed",
    );
  }
  await writePage("scaling", scalingMarkdown(machine, scaling));
  await Deno.writeTextFile(PICTURE, scalingChart(scaling));
}

/** Writes all that a whole run printed into `docs/performance.md`, as it was printed. */
export async function writeRunPage(
  machine: Machine,
  sections: readonly { title: string; text: string }[],
): Promise<void> {
  const blocks = sections.map(({ title, text }) =>
    `### ${title}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\``
  );
  await writePage("run", [machineLine(machine), ...blocks].join("\n\n"));
}
