/**
 * One code a row from the selections of several heads.
 * @module
 */
import type { Code, Entry, EntryNumbers } from "./types.ts";

/**
 * Values of the same latent add up.
 * @param lists list `row · heads + head`
 * @returns the code, and for each entry a word of which bit h says that head h proposed it
 */
export function pkmMerge(
  lists: Code,
  heads: number,
  round: (sum: number) => number = (sum) => sum,
): { code: Code; proposers: EntryNumbers } {
  const rows = Array.from({ length: lists.length / heads }, (_, row) => {
    const found = new Map<number, Entry & { who: number }>();
    for (let head = 0; head < heads; head++) {
      for (const { latent, value } of lists[row * heads + head]) {
        const before = found.get(latent) ?? { value: 0, who: 0 };
        found.set(latent, {
          latent,
          value: round(before.value + value),
          who: before.who + 2 ** head,
        });
      }
    }
    return [...found.values()].sort((a, b) => a.latent - b.latent);
  });
  return {
    code: rows.map((row) => row.map(({ latent, value }) => ({ latent, value }))),
    proposers: rows.map((row) => row.map(({ who }) => who)),
  };
}
