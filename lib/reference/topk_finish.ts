/**
 * From selected scores to a code.
 * @module
 */
import type { Code, Entry } from "./types.ts";

/**
 * Drops what is not positive and sorts every row by latent.
 * @param map latent of each selected number, when these are places in a list
 */
export function topkFinish(selected: readonly Entry[][], map?: readonly number[]): Code {
  return selected.map((entries) =>
    entries.filter((e) => e.value > 0)
      .map(({ latent, value }) => ({ latent: map ? map[latent] : latent, value }))
      .sort((a, b) => a.latent - b.latent)
  );
}
