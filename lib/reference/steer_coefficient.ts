/**
 * The end of a step for the state of a sparsity penalty.
 * @module
 */
import type { PenaltyState } from "./penalty_coefficient.ts";

/** How a coefficient is steered. */
export interface SteerRule {
  /** L0 that is wanted. */
  goal: number;
  /** Steps in which a lasting error changes the coefficient by its own factor. */
  steps: number;
  /** Steps within which L0 is led from where it begins to the goal. */
  descent: number;
  /** Exponent of the error in the factor that acts at once. */
  damping: number;
  /** Share of a new error in the smoothed one. */
  beta: number;
}

/** What errors count as at most; those that raise the coefficient count as less in the integral. */
const BOUND = 1;
const RISE = 0.5;

const clamp = (v: number, least: number, most: number) => Math.min(most, Math.max(least, v));

/**
 * Follows the distance of log L0 from the line that leads from its first value to the goal; `t` is the step, `share` is
 * how far the coefficient's schedule has come.
 */
export function steerCoefficient(
  state: PenaltyState,
  rule: SteerRule,
  { l0, least, share, t }: { l0: number; least: number; share: number; t: number },
): void {
  const far = Math.log(Math.max(l0, least) / rule.goal);
  state.firstError ??= Math.max(0, far);
  const error = far - Math.max(0, 1 - t / rule.descent) * state.firstError;
  const before = state.smooth ?? error;
  state.smooth = before + rule.beta * (error - before);
  const slow = share * clamp(state.smooth, -BOUND, RISE);
  state.integral = clamp(state.integral + slow / rule.steps, -20, 20);
  state.control = state.integral + rule.damping * share * clamp(state.smooth, -BOUND, BOUND);
}

/** Remembers a batch's penalty at the exponent in force and at the next. */
export function rememberPenalty(state: PenaltyState, pair: [number, number]): void {
  state.history.push(pair);
  if (state.history.length > 10) state.history.shift();
}
