/**
 * Nested prefixes of a dictionary: each reconstructs alone, and their losses are added with weights.
 * @module
 */
import { decodeRows } from "./decode_rows.ts";
import { type Code, dot, type Matrix } from "./types.ts";

/** What the prefixes leave of a target. */
export interface Prefixes {
  /** Residuals by prefix: `target - bias - Σ_{latent < bound} value · w[latent]`. */
  rests: Matrix[];
  /** By prefix g: the sum of `weights[g'] · rests[g']` over g' >= g. */
  suffixes: Matrix[];
  /** Squared lengths of the rests, [row][prefix]. */
  squares: number[][];
}

/** The part of a code that lies in the first `bound` latents. */
export function prefixOf(code: Code, bound: number): Code {
  return code.map((row) => row.filter((e) => e.latent < bound));
}

/** Decodes every prefix on its own. `start` is the target less the bias. */
export function decodePrefixes(
  code: Code,
  w: Matrix,
  start: Matrix,
  bounds: readonly number[],
  weights: readonly number[],
): Prefixes {
  const rests = bounds.map((bound): Matrix => {
    const recon = decodeRows(prefixOf(code, bound), w);
    return start.map((row, r) => row.map((v, c) => v - recon[r][c]));
  });
  const suffixes = bounds.map((_, g): Matrix =>
    start.map((row, r) =>
      row.map((_, c) => rests.reduce((s, m, h) => h < g ? s : s + weights[h] * m[r][c], 0))
    )
  );
  const squares = start.map((_, r) => rests.map((m) => dot(m[r], m[r])));
  return { rests, suffixes, squares };
}

/** The first prefix that has a latent: the first bound above it. */
export function prefixIndex(latent: number, bounds: readonly number[]): number {
  return bounds.findIndex((bound) => latent < bound);
}
