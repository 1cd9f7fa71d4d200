/**
 * Sums by latent of what picks give.
 * @module
 */
import type { PickLists } from "./pursuit_finish.ts";
import { zeros } from "./types.ts";

/**
 * The gradient [latents, d].
 * @param shares for every row and pick [d]
 */
export function gradPicks(
  picks: PickLists,
  shares: readonly (readonly Float64Array[])[],
  latents: number,
  d: number,
): Float64Array[] {
  const grad = zeros(latents, d);
  picks.forEach((row, r) =>
    row.forEach(({ latent }, t) => shares[r][t].forEach((v, i) => grad[latent][i] += v))
  );
  return grad;
}
