/**
 * Tables of a comparison, for the terminal and as Markdown.
 * @module
 */
import { formatBytes, formatCount, formatFigure } from "../base/format.ts";
import { VERSION } from "../base/version.ts";
import {
  type CompareGroup,
  type CompareOutcome,
  type CompareRow,
  l0Error,
  TOLERANCE,
} from "./compare_types.ts";
import { markdownPage, markdownTable, markdownText } from "./markdown.ts";

/** Headings of a table. */
export const COMPARE_TITLES: readonly string[] = [
  "family",
  "FVU",
  "CE recovered",
  "L0",
  "dead",
  "tokens/s",
  "peak GPU memory",
];

function isOff(row: CompareRow): boolean {
  return !(Math.abs(l0Error(row)) <= TOLERANCE);
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${formatFigure(100 * share, 2)} %`;
}

/** Cells of a group's table. */
export function compareRows({ rows }: CompareGroup): string[][] {
  return rows.map((row) => [
    row.name,
    formatFigure(row.figures["recon/fvu"]),
    "model/ce_loss_score" in row.figures ? formatFigure(row.figures["model/ce_loss_score"]) : "",
    formatFigure(row.figures["sparsity/l0"]) + (isOff(row) ? ` (${percent(l0Error(row))})` : ""),
    formatFigure(row.figures["sparsity/dead_frac"], 3),
    row.tokens_per_second === undefined ? "" : formatCount(row.tokens_per_second),
    row.peak_gpu_bytes === undefined ? "" : formatBytes(row.peak_gpu_bytes),
  ]);
}

/** What a group's families do, in a few words. */
export function groupTitle({ inputs, outputs }: CompareGroup): string {
  const shown = (names: readonly string[]) =>
    names.length > 2 ? `${names[0]} … ${names.at(-1)}` : names.join(", ");
  return outputs.length > 0 ? `From ${shown(inputs)} to ${shown(outputs)}` : shown(inputs);
}

/** A sentence on families that are not at the L0 that was asked for; none where all are. */
export function l0Remark({ rows }: CompareGroup): string | undefined {
  const off = rows.filter(isOff).map((row) => `${row.name} (${percent(l0Error(row))})`);
  if (off.length === 0) return undefined;
  return `Not within ${100 * TOLERANCE} % of the L0 that was asked for, so not comparable: ` +
    `${off.join(", ")}.`;
}

const READING =
  "FVU: share of the held-out variance that is not reconstructed, the dictionary used as it is " +
  "saved; CE recovered: share of the language model's next-token loss between zero and the " +
  "activation itself that the reconstruction keeps; L0: active latents a token, of all layers together; dead: latents that fire on no " +
  "held-out token; tokens/s: training rows a second without waiting for data; memory: all buffers " +
  "on the device at once, while training. PCA: the largest principal components of each token, " +
  "fitted on the held-out tokens themselves.";

/**
 * The page.
 * @param command what makes it again
 */
export function comparePage(outcome: CompareOutcome, command?: string): string {
  const { l0, training_tokens, d_sae, adapter, groups } = outcome;
  const latents = d_sae === undefined ? "" : `, ${formatCount(d_sae)} latents`;
  return markdownPage([
    "# Families at equal L0",
    ...command ? [`Made with sdm ${VERSION} by`, "```sh\n" + command + "\n```"] : [],
    markdownText(
      `Every family on ${
        formatCount(training_tokens)
      } training tokens${latents}, asked for ${l0} ` +
        `active latents a token (and layer). Adapter: ${adapter}.`,
    ),
    markdownText(READING),
    ...groups.flatMap((group) => {
      const remark = l0Remark(group);
      return [
        `## ${groupTitle(group)}`,
        `${formatCount(group.eval_tokens)} held-out tokens.`,
        markdownTable(COMPARE_TITLES, compareRows(group)),
        ...remark ? [markdownText(remark)] : [],
      ];
    }),
  ]);
}
