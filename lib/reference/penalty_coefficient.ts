/**
 * The coefficient of a sparsity penalty in a step.
 * @module
 */

/** State of a penalty, see `steer_coefficient.ts` for how it goes on. */
export interface PenaltyState {
  /** Logarithm of the factor that steering gives the coefficient. */
  control: number;
  /** The part of it that remembers. */
  integral: number;
  /** Smoothed error; absent before the first. */
  smooth?: number;
  /** The same, smoothed over more steps. */
  slow?: number;
  /** Logarithm of the factor that annealing gives the coefficient. */
  logAnneal: number;
  /** How far L0 was above its goal at first, as a logarithm; absent before the first error. */
  firstError?: number;
  /** Exponent in force; absent before the first step. */
  exponent?: number;
  /** Penalties at the exponent in force and at the next, of the last ten steps with it. */
  history: [number, number][];
}

/** A new run's. */
export function newPenaltyState(): PenaltyState {
  return { control: 0, integral: 0, logAnneal: 0, history: [] };
}

/** Logarithm of the factor that a steered coefficient begins with. */
const START = -3;

/** Coefficient of this step; changes `state` where the exponent has changed. */
export function penaltyCoefficient(
  state: PenaltyState,
  step: { coefficient: number; exponent?: number; steered?: boolean },
): number {
  if (step.exponent !== undefined && step.exponent !== state.exponent) {
    const old = state.history.reduce((sum, [v]) => sum + v, 0);
    const now = state.history.reduce((sum, [, v]) => sum + v, 0);
    if (state.exponent !== undefined && old > 0 && now > 0) state.logAnneal += Math.log(old / now);
    state.exponent = step.exponent;
    state.history = [];
  }
  const start = step.steered ? START : 0;
  return step.coefficient * Math.exp(start + state.control + state.logAnneal);
}

/** The penalty on the number of active latents: its loss, and the coefficient that acts on L0. */
export function countPenalty(
  coefficient: number,
  l0: number,
  goal?: number,
): { loss: number; coefficient: number } {
  if (goal === undefined) return { loss: coefficient * l0, coefficient };
  const off = l0 / goal - 1;
  return { loss: coefficient * off ** 2, coefficient: coefficient * 2 * off / goal };
}
