/**
 * What changes over a run as a function of the step: learning rate and k. Steps count from 0.
 * Source: architectures spec, sections 13.3 and 13.4.
 * @module
 */

/** A learning rate that warms up, stays, and falls linearly to zero. */
export interface LrSchedule {
  /** Highest rate. */
  lr: number;
  /** Steps of the warm-up; the first step has lr / warmUp. */
  warmUp: number;
  /** Steps of the decay at the end. */
  decay: number;
  /** Steps of the run. */
  steps: number;
}

/** Learning rate of step `t`: `lr · min(1, (t + 1) / warmUp, (steps - t) / (decay + 1))`. */
export function lrAt({ lr, warmUp, decay, steps }: LrSchedule, t: number): number {
  const rise = warmUp > 0 ? (t + 1) / warmUp : 1;
  const fall = decay > 0 ? (steps - t) / (decay + 1) : 1;
  return lr * Math.max(0, Math.min(1, rise, fall));
}

/** A k that falls linearly from `kStart` to `k` over `annealSteps`. */
export interface KSchedule {
  /** Final k. */
  k: number;
  /** First k. */
  kStart: number;
  /** Steps until k is reached; 0 for none. */
  annealSteps: number;
}

/** k of step `t`: kStart at t = 0, k from `annealSteps` on, rounded to the nearest integer between. */
export function kAt({ k, kStart, annealSteps }: KSchedule, t: number): number {
  if (annealSteps <= 0 || t >= annealSteps) return k;
  const done = t / annealSteps;
  return Math.round(kStart * (1 - done) + k * done);
}
