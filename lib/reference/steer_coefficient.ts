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
  /** Steps over which the error is smoothed once more. */
  slowSteps: number;
}

/** What is ahead counts as these at most, as less where it raises the coefficient. */
const BOUND = 1;
const RISE = 0.3;
const PUSH = 0.4;

const clamp = (v: number, least: number, most: number) => Math.min(most, Math.max(least, v));

/**
 * Follows the distance of log L0 from the parabola that leads from its first value to the goal; `t` is the step, `share` is
 * how far the coefficient's schedule has come.
 */
export function steerCoefficient(
  state: PenaltyState,
  rule: SteerRule,
  { l0, least, share, t }: { l0: number; least: number; share: number; t: number },
): void {
  const far = Math.log(Math.max(l0, least) / rule.goal);
  state.firstError ??= Math.max(0, far);
  const error = far - Math.max(0, 1 - t / rule.descent) ** 2 * state.firstError;
  const before = state.smooth ?? error;
  state.smooth = before + rule.beta * (error - before);
  const slow = state.slow ?? error;
  state.slow = slow + Math.min(1, 1 / rule.slowSteps) * (state.smooth - slow);
  const ahead = state.smooth + (state.smooth - state.slow);
  const more = share * clamp(ahead, -BOUND, RISE) / rule.steps;
  state.integral = clamp(state.integral + more, -20, 20);
  state.control = state.integral + rule.damping * share * clamp(ahead, -BOUND, PUSH);
}

/** Remembers a batch's penalty at the exponent in force and at the next. */
export function rememberPenalty(state: PenaltyState, pair: [number, number]): void {
  state.history.push(pair);
  if (state.history.length > 10) state.history.shift();
}
