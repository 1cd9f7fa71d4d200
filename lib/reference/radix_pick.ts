/**
 * The K-th largest value of a batch, and what follows it from step to step.
 * @module
 */
import type { Code } from "./types.ts";

/** What is known of a batch's K-th largest value. */
export interface KthValue {
  /** The value; 0 where fewer than K entries are positive. */
  value: number;
  /** Entries above it. */
  above: number;
  /** Entries equal to it. */
  ties: number;
}

/** The K-th largest value of all entries. */
export function kthValue(code: Code, wanted: number): KthValue {
  const values = code.flat().map((e) => e.value).sort((a, b) => b - a);
  if (values.length < wanted || wanted === 0) return { value: 0, above: values.length, ties: 0 };
  const value = values[wanted - 1];
  return {
    value,
    above: values.filter((v) => v > value).length,
    ties: values.filter((v) => v === value).length,
  };
}

/** How a threshold follows the batches. */
export interface FollowOptions {
  /** Its rule. */
  kind: "average" | "quantile" | "control";
  /** Weight of a new value; of `control`, how far it moves for each active latent too many or few. */
  rate: number;
  /** Rows of a batch. */
  rows: number;
  /** K. */
  wanted: number;
  /** Whether an average takes this batch in. */
  track: boolean;
}

/**
 * The threshold after a batch. Source: architectures spec, section 3.
 * @param before the threshold before; 0 where there is none yet
 */
export function radixPick(code: Code, before: number, options: FollowOptions): number {
  const { kind, rate, rows, wanted, track } = options;
  const { value } = kthValue(code, wanted);
  if (kind === "average" && (value === 0 || !track)) return before;
  if (before === 0) return value;
  if (kind !== "control") return (1 - rate) * before + rate * value;
  const passed = code.flat().filter((e) => e.value > before).length;
  const factor = 1 + rate * Math.abs(passed - wanted) / rows;
  return passed > wanted ? before * factor : before / factor;
}
