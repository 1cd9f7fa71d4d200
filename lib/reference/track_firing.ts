/**
 * Counters of a latent.
 * @module
 */

/** What is remembered of every latent. */
export interface Firing {
  /** Tokens since the latent was active, at most 2³² - 1. */
  sinceFired: number[];
  /** Tokens on which it was active. */
  fired: number[];
}

/**
 * The counters after a batch of `rows` tokens on which each latent was active `counts` times.
 * A latent is dead when it was silent for `deadAfter` tokens or more.
 */
export function trackFiring(
  before: Firing,
  counts: readonly number[],
  rows: number,
  deadAfter: number,
): Firing & { dead: boolean[] } {
  const sinceFired = before.sinceFired.map((since, l) =>
    counts[l] > 0 ? 0 : Math.min(since + rows, 2 ** 32 - 1)
  );
  return {
    sinceFired,
    fired: before.fired.map((n, l) => n + counts[l]),
    dead: sinceFired.map((since) => since >= deadAfter),
  };
}
