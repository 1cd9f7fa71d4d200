/**
 * What changes over a run as a function of the step: learning rate, k, the weight of a penalty and its exponent. Steps
 * count from 0. Source: architectures spec, sections 5, 13.3 and 13.4.
 * @module
 */

/** A learning rate that warms up, stays, and falls at the end. */
export interface LrSchedule {
  /** Highest rate. */
  lr: number;
  /** Steps of the warm-up; the first step has lr / warmUp. */
  warmUp: number;
  /** Steps of the decay at the end. */
  decay: number;
  /** Steps of the run. */
  steps: number;
  /** Share of the highest rate towards which it falls; 0 by default. */
  endRatio?: number;
  /** How it falls; in a straight line by default. */
  shape?: "linear" | "cosine";
}

/**
 * Learning rate of step `t`: `lr · min(1, (t + 1) / warmUp, fall)`, where `fall` goes from 1 to `endRatio` as
 * `(steps - t) / (decay + 1)` goes from 1 to 0.
 */
export function lrAt(schedule: LrSchedule, t: number): number {
  const { lr, warmUp, decay, steps, endRatio = 0, shape = "linear" } = schedule;
  const rise = warmUp > 0 ? (t + 1) / warmUp : 1;
  const left = decay > 0 ? Math.max(0, Math.min(1, (steps - t) / (decay + 1))) : 1;
  const fall = shape === "linear" ? left : (1 - Math.cos(Math.PI * left)) / 2;
  return lr * Math.min(1, rise, endRatio + (1 - endRatio) * fall);
}

/** A k that falls from `kStart` to `k` over `annealSteps`. */
export interface KSchedule {
  /** Final k. */
  k: number;
  /** First k. */
  kStart: number;
  /** Steps until k is reached; 0 for none. */
  annealSteps: number;
  /** How much faster it falls at first; in a straight line when left out. */
  exponentialFactor?: number;
}

/**
 * k of step `t`: kStart at t = 0, k from `annealSteps` on, rounded to the nearest integer between. With the factor φ the
 * share that it has fallen after the share p of the steps is (1 - e^(-φp)) / (1 - e^(-φ)) in place of p.
 */
export function kAt({ k, kStart, annealSteps, exponentialFactor }: KSchedule, t: number): number {
  if (annealSteps <= 0 || t >= annealSteps) return k;
  const linear = t / annealSteps;
  const done = exponentialFactor === undefined
    ? linear
    : Math.expm1(-exponentialFactor * linear) / Math.expm1(-exponentialFactor);
  return Math.round(kStart * (1 - done) + k * done);
}

/** Weight of a penalty in step `t`: rises linearly to `coefficient` over `warmUp` steps, the first has a share of it. */
export function coefficientAt(
  { coefficient, warmUp }: { coefficient: number; warmUp: number },
  t: number,
): number {
  return coefficient * (warmUp > 0 ? Math.min(1, (t + 1) / warmUp) : 1);
}

/** An exponent that is stepped from `p` towards `pEnd`. */
export interface ExponentSchedule {
  /** First exponent. */
  p: number;
  /** Exponent that is approached; never quite reached. */
  pEnd: number;
  /** Step of the first change. */
  start: number;
  /** Number of changes, evenly spread over the steps from `start` on. */
  updates: number;
  /** Steps of the run. */
  steps: number;
}

/** Changes of the exponent up to and including step `t`. */
export function exponentUpdates({ start, updates, steps }: ExponentSchedule, t: number): number {
  if (t < start || steps <= start) return 0;
  return Math.min(updates, 1 + Math.floor((t - start) * updates / (steps - start)));
}

/** Exponent of step `t`: after i of n changes p + (pEnd - p) i / (n + 1). */
export function exponentAt(schedule: ExponentSchedule, t: number): number {
  const { p, pEnd, updates } = schedule;
  return p + (pEnd - p) * exponentUpdates(schedule, t) / (updates + 1);
}

/** Exponent that comes after that of step `t`; the same where none does. */
export function nextExponentAt(schedule: ExponentSchedule, t: number): number {
  const { p, pEnd, updates } = schedule;
  return p + (pEnd - p) * Math.min(updates, exponentUpdates(schedule, t) + 1) / (updates + 1);
}
