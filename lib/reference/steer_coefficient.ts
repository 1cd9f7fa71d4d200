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
  /** Exponent of the error in the factor that acts at once. */
  damping: number;
  /** Share of a new error in the smoothed one. */
  beta: number;
}

/** What errors count as at most in the integral and in what acts at once. */
const SLOW = 0.2;
const FAST = 0.3;

const clamp = (v: number, most: number) => Math.min(most, Math.max(-most, v));

/** Follows the error log(L0 / goal); `share` is how far the coefficient's schedule has come. */
export function steerCoefficient(
  state: PenaltyState,
  rule: SteerRule,
  { l0, least, share }: { l0: number; least: number; share: number },
): void {
  const error = Math.log(Math.max(l0, least) / rule.goal);
  const before = state.smooth ?? error;
  state.smooth = before + rule.beta * (error - before);
  state.integral = clamp(state.integral + share * clamp(state.smooth, SLOW) / rule.steps, 20);
  state.control = state.integral + rule.damping * share * clamp(state.smooth, FAST);
}

/** Remembers a batch's penalty at the exponent in force and at the next. */
export function rememberPenalty(state: PenaltyState, pair: [number, number]): void {
  state.history.push(pair);
  if (state.history.length > 10) state.history.shift();
}
