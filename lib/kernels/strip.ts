/**
 * Strips of causal attention: which queries a pattern of attention holds, and where.
 * @module
 */
import { roundUp } from "../tensor/shards.ts";

/** Queries and keys of a pattern are padded to whole tiles of this many. */
export const TILE = 64;

/**
 * A strip: `queries` queries of each of some sequences, for some heads. Its pattern is
 * f32 [heads, sequences, queries padded, keys padded], keys being all positions up to the strip's last query.
 */
export interface Strip {
  /** Heads. */
  heads: number;
  /** Sequences. */
  sequences: number;
  /** Rows of a sequence. */
  length: number;
  /** First sequence. */
  firstSequence: number;
  /** Position of the first query in its sequence, a multiple of {@link TILE}. */
  firstQuery: number;
  /** Queries of each sequence. */
  queries: number;
}

/** Rows and columns of one head and sequence of a pattern, padding included. */
export function paddedSize(strip: Strip): { queries: number; keys: number } {
  return {
    queries: roundUp(strip.queries, TILE),
    keys: roundUp(strip.firstQuery + strip.queries, TILE),
  };
}

/** Floats of a pattern. */
export function patternFloats(strip: Strip): number {
  const { queries, keys } = paddedSize(strip);
  return strip.heads * strip.sequences * queries * keys;
}
