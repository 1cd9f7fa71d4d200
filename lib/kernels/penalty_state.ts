/**
 * Words of the state of a sparsity penalty: the steering of its coefficient and the annealing of its exponent.
 * All are f32; a state of zeros is that of a new run.
 * @module
 */

/** Steps over which an old and a new exponent are compared. */
export const HISTORY = 10;

/**
 * Logarithm of the factor that a coefficient begins with when it is steered: low, since a dictionary recovers from too many
 * active latents but not from none.
 */
export const STEER_START = -3;

/** Words of the state. */
export const PENALTY_STATE = {
  /** Logarithm of the factor that steering gives the coefficient. */
  control: 0,
  /** The part of it that remembers. */
  integral: 1,
  /** Smoothed error log(L0 / target). */
  smooth: 2,
  /** 1 once there is an error. */
  started: 3,
  /** Logarithm of the factor that annealing gives the coefficient. */
  logAnneal: 4,
  /** Exponent in force; 0 before the first step. */
  exponent: 5,
  /** Steps that the history knows, modulo its length where it is longer. */
  known: 6,
  /** How far L0 was above its goal at first, as a logarithm. */
  firstError: 7,
  /** The error smoothed over more steps: against it the smoothed one shows where L0 is heading. */
  slow: 8,
  /** First word of the history: pairs of the penalty at the exponent in force and at the next. */
  history: 12,
  /** Number of words. */
  words: 12 + 2 * HISTORY,
} as const;
