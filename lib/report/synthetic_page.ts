/**
 * The page of what families found on planted features: a table a preset, means and ranges over the seeds.
 * @module
 */
import { formatCount, formatFigure } from "../base/format.ts";
import { VERSION } from "../base/version.ts";
import { PRESETS, type SyntheticSpec } from "../evals/synthetic.ts";
import { writeFileAtomic } from "../files/atomic.ts";
import { markdownPage, markdownTable, markdownText } from "./markdown.ts";
import type { SyntheticOutcome, SyntheticRun } from "./synthetic.ts";

/** Columns of the table: heading, metric. */
const COLUMNS: readonly (readonly [string, string])[] = [
  ["MMCS", "synthetic/mmcs_recall"],
  ["found", "synthetic/recovered_90"],
  ["F1", "synthetic/f1"],
  ["L0", "sparsity/l0"],
  ["true L0", "synthetic/true_l0"],
  ["FVU", "recon/fvu"],
  ["dead", "sparsity/dead_frac"],
];

/** Digits after the point. */
function shown(value: number): string {
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}

/** `mean (least–most)`; one number where all are the same. */
export function meanAndRange(values: readonly (number | null)[]): string {
  const known = values.filter((v) => v !== null);
  if (known.length === 0) return formatFigure(null);
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const [least, most] = [Math.min(...known), Math.max(...known)].map(shown);
  return least === most ? shown(mean) : `${shown(mean)} (${least}–${most})`;
}

/** Headings and rows of an outcome's table: one family a row. */
export function syntheticRows({ runs }: SyntheticOutcome): { titles: string[]; rows: string[][] } {
  const names = [...new Set(runs.map((run) => run.name))];
  const row = (name: string) => {
    const own = runs.filter((run) => run.name === name);
    const figure = (pick: (run: SyntheticRun) => number | null) => meanAndRange(own.map(pick));
    return [
      name,
      ...COLUMNS.map(([, metric]) => figure((run) => run.figures[metric])),
      figure((run) => run.untrained["synthetic/mmcs_recall"]),
    ];
  };
  return {
    titles: ["family", ...COLUMNS.map(([title]) => title), "MMCS untrained"],
    rows: names.map(row),
  };
}

function describe({ features, d, frequency, forest }: SyntheticSpec): string {
  const law = frequency.law === "constant"
    ? `each fires on ${formatFigure(100 * frequency.p)} % of the rows`
    : `firing by Zipf's law with exponent ${frequency.exponent} on ` +
      `${formatFigure(100 * frequency.least)} % to ${
        formatFigure(100 * frequency.most)
      } % of the rows`;
  const trees = forest
    ? `; ${forest.roots} trees of ${
      forest.levels + 1
    } levels, ${forest.branching} children a node, ` +
      "of which at most one fires, and only with its parent"
    : "";
  return `${formatCount(features)} features in ${d} dimensions, ${law}${trees}.`;
}

const INTRODUCTION =
  "Rows are made of known features: sparse sums of unit directions, sizes about 5 with a standard " +
  "deviation of 0.5, and a constant. Each family is trained on them by the ordinary training run, " +
  "with few steps and one learning rate for all, and asked what it found. Transcoders reconstruct " +
  "the same features in directions of their own; the cross-layer transcoder has features in each " +
  "of two layers; lorsa's output shows the features of the token before.";

const READING =
  "Means over the seeds with the least and the most. MMCS: mean over true features of the largest " +
  "cosine with the decoder row of a latent that fires. Found: share of features with a cosine above " +
  "0.9. F1: how well latents tell when their feature fires, dead ones counting as 0. True L0: " +
  "features that fire on a mean row; of a cross-layer transcoder, L0 is that of its layers together. " +
  "A selection by row stays below its k where a row has fewer features: the other scores are not " +
  "positive. " +
  "Definitions: [metrics](metrics.md).";

/** The page; `command` makes it again. */
export function syntheticPage(outcomes: readonly SyntheticOutcome[], command: string): string {
  const parts = outcomes.flatMap((outcome) => {
    const { titles, rows } = syntheticRows(outcome);
    const seeds = [...new Set(outcome.runs.map((run) => run.seed))];
    return [
      `## ${outcome.preset}`,
      markdownText(
        `${describe(PRESETS[outcome.preset])} ${
          formatCount(outcome.trainingTokens)
        } training rows, ` +
          `asked for ${outcome.l0} active latents a row, seeds ${seeds.join(", ")}.`,
      ),
      markdownTable(titles, rows),
    ];
  });
  return markdownPage([
    "# Planted features",
    `Made with sdm ${VERSION} by`,
    "```sh\n" + command + "\n```",
    markdownText(INTRODUCTION),
    markdownText(READING),
    ...parts,
  ]);
}

/** Writes the page. */
export async function writeSyntheticPage(
  file: string,
  outcomes: readonly SyntheticOutcome[],
  command: string,
): Promise<void> {
  await writeFileAtomic(file, syntheticPage(outcomes, command));
}
