/**
 * The table of held-out figures: the dictionary beside its baselines.
 * @module
 */
import { formatCount, formatFigure } from "../base/format.ts";
import type { Column } from "../report/terminal.ts";
import type { EvalOutcome } from "./library.ts";
import type { Style } from "./terminal/style.ts";
import { tableLines } from "./terminal/table.ts";

/** Lines of the table: one figure a row, one contender a column. */
export function contenderLines(outcome: EvalOutcome, style: Style): string[] {
  const { contenders, evalTokens } = outcome;
  const names = [...new Set(contenders.flatMap(({ figures }) => figures.map((f) => f.name)))];
  const rows = names.map((name) => [
    name,
    ...contenders.map(({ figures }) => formatFigure(figures.find((f) => f.name === name)?.value)),
  ]);
  const columns: Column[] = [
    { title: `on ${formatCount(evalTokens)} held-out tokens` },
    ...contenders.map(({ name }) => ({ title: name, align: "right" as const })),
  ];
  return [...tableLines(columns, rows, style), ...lossLines(outcome)];
}

/** What the losses of the model rest on, or why there are none. */
function lossLines({ downstream }: EvalOutcome): string[] {
  if (!downstream) return [];
  if (downstream.reason !== undefined) return ["", `No losses of the model: ${downstream.reason}`];
  const tokens = formatCount(downstream.tokens);
  return ["", `Losses (model/…) on ${tokens} tokens: ${downstream.notes.join("; ")}`];
}
