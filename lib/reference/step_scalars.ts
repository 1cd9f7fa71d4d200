/**
 * Gradient clipping and the numbers that a step reports.
 * @module
 */
import { dot, type Matrix } from "./types.ts";

/** Length of all gradients together, and the factor that brings it down to `limit` (0: never). */
export function clipFactor(
  gradients: readonly Matrix[],
  limit: number,
): { norm: number; clip: number } {
  let square = 0;
  for (const matrix of gradients) for (const row of matrix) square += dot(row, row);
  const norm = Math.sqrt(square);
  return { norm, clip: limit > 0 && norm > limit ? limit / norm : 1 };
}

/** What the sites of a step found. */
export interface SiteSums {
  /** Loss with its weight. */
  weighted: number;
  /** Sum of squared errors. */
  error: number;
  /** Sum of squared distances of the target from its mean. */
  spread: number;
}

/** Numbers of a whole step: the first `targets` sites are the model's reconstructions. */
export function stepScalars(step: {
  sites: readonly SiteSums[];
  targets: number;
  penalties: readonly number[];
  counts: readonly number[];
  rows: number;
}): { total: number; fvu: number; error: number; spread: number; l0: number } {
  const sum = (values: readonly number[]) => values.reduce((s, v) => s + v, 0);
  const targets = step.sites.slice(0, step.targets);
  const error = sum(targets.map((s) => s.error));
  const spread = sum(targets.map((s) => s.spread));
  return {
    total: sum(step.sites.map((s) => s.weighted)) + sum(step.penalties),
    fvu: spread > 1e-12 ? error / spread : 0,
    error,
    spread,
    l0: sum(step.counts) / step.rows,
  };
}
