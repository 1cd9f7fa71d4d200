/**
 * Selection over a batch.
 * @module
 */
import type { Code } from "./types.ts";

/**
 * The `wanted` largest entries of all rows together, fewer where there are not as many; of equal ones those of the
 * lowest row and then of the lowest latent. Source: architectures spec, section 3.
 */
export function selectEntries(code: Code, wanted: number): Code {
  const flat = code.flatMap((entries, row) => entries.map((entry) => ({ row, entry })));
  const kept = new Set(
    flat.map((e, place) => ({ ...e, place }))
      .sort((a, b) => b.entry.value - a.entry.value || a.place - b.place)
      .slice(0, wanted)
      .map(({ entry }) => entry),
  );
  return code.map((entries) => entries.filter((e) => kept.has(e)));
}
