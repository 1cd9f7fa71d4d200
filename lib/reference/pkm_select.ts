/**
 * Selection on the grid of two lists of sub-key scores.
 * @module
 */
import type { Code, Entry, Matrix } from "./types.ts";

/** The grid, and how it is summed. */
export interface PkmGrid {
  /** Sub-keys of the first side. */
  m1: number;
  /** Sub-keys of the second side. */
  m2: number;
  /** Latents; numbers beyond do not exist. */
  latents: number;
  /** Selections of a row. */
  heads: number;
  /** One a latent. */
  bias?: Float64Array;
  /** How a sum is rounded; not at all when absent. */
  round?: (sum: number) => number;
}

/** All latents of a head with their scores. */
export function pkmScores(scores: Float64Array, head: number, grid: PkmGrid): Entry[] {
  const { m1, m2, latents, bias, round = (sum) => sum } = grid;
  const u = scores.subarray(head * (m1 + m2), head * (m1 + m2) + m1);
  const v = scores.subarray(head * (m1 + m2) + m1, (head + 1) * (m1 + m2));
  return Array.from({ length: latents }, (_, latent) => {
    const sum = round(u[Math.floor(latent / m2)] + v[latent % m2]);
    return { latent, value: bias ? round(sum + bias[latent]) : sum };
  });
}

/** Entries that head `head` of `heads` proposes. */
export function pkmShare(k: number, head: number, heads: number): number {
  return Math.floor((k + heads - 1 - head) / heads);
}

/**
 * The best latents of every row and head, ascending: those with a positive score, ties to the lowest latent.
 * @param scores [rows, heads · (m1 + m2)]: u and v of every head
 * @returns list `row · heads + head`
 */
export function pkmSelect(scores: Matrix, k: number, grid: PkmGrid): Code {
  return scores.flatMap((row) =>
    Array.from({ length: grid.heads }, (_, head) =>
      pkmScores(row, head, grid)
        .filter(({ value }) => value > 0)
        .sort((a, b) => b.value - a.value || a.latent - b.latent)
        .slice(0, pkmShare(k, head, grid.heads))
        .sort((a, b) => a.latent - b.latent))
  );
}
