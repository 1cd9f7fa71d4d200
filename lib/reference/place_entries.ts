/**
 * A code by latent.
 * @module
 */
import type { Code } from "./types.ts";

/** Where a latent is active. */
export interface PlacedEntry {
  /** Row of the batch. */
  row: number;
  /** Its activation there. */
  value: number;
  /** Place among the entries of that row. */
  place: number;
}

/** For every latent its entries, rows ascending. */
export function placeEntries(code: Code, latents: number): PlacedEntry[][] {
  return Array.from({ length: latents }, (_, latent) =>
    code.flatMap((entries, row) => {
      const place = entries.findIndex((e) => e.latent === latent);
      return place < 0 ? [] : [{ row, value: entries[place].value, place }];
    }));
}
