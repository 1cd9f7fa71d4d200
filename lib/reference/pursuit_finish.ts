/**
 * The sparse code of the picks of a matching pursuit.
 * @module
 */
import type { Code, Entry } from "./types.ts";

/** Picks of every row, in their order. */
export type PickLists = readonly (readonly Entry[])[];

/** A code and where its picks are at home: at the last pick of the same latent. */
export interface FinishedPicks {
  /** Picks of a latent added up, ascending by latent. */
  code: Code;
  /** For every pick the number of its home. */
  homes: readonly (readonly number[])[];
  /** For every entry of the code the number of its home. */
  entryHomes: readonly (readonly number[])[];
}

/** Adds up the picks of each latent. */
export function pursuitFinish(picks: PickLists): FinishedPicks {
  const code = picks.map((row) =>
    [...new Set(row.map(({ latent }) => latent))].sort((a, b) => a - b).map((latent) => ({
      latent,
      value: row.filter((p) => p.latent === latent).reduce((sum, p) => sum + p.value, 0),
    }))
  );
  const home = (row: readonly Entry[], latent: number) =>
    row.findLastIndex((p) => p.latent === latent);
  return {
    code,
    homes: picks.map((row) => row.map(({ latent }) => home(row, latent))),
    entryHomes: code.map((entries, r) => entries.map(({ latent }) => home(picks[r], latent))),
  };
}
