/**
 * The grid of sub-keys behind a number of latents. Pure.
 * @module
 */
import type { KeyGrid } from "../../kernels/pkm_select.ts";

/** Sides of a grid that is a rectangle without holes differ by this factor at most. */
const MOST_RATIO = 4;

/**
 * The grid with the fewest sub-keys of which no place is empty. Where the latents have no two divisors of about the same
 * size, or where `m1` does not divide them, the last places of the last row of the grid are left out.
 * @param latents number of latents
 * @param m1 sub-keys of the first side; the divisor nearest to the root, from below, when absent
 */
export function planKeyGrid(latents: number, heads = 1, m1?: number): KeyGrid {
  const root = Math.floor(Math.sqrt(latents));
  let first = m1 ?? root;
  if (m1 === undefined) {
    while (latents % first !== 0) first--;
    if (latents > MOST_RATIO * first * first) first = root;
  }
  const m2 = Math.ceil(latents / first);
  // No sub-key without a latent.
  return { m1: Math.ceil(latents / m2), m2, latents, heads };
}
