/**
 * Rows cut to their largest values.
 * @module
 */
import type { Code } from "./types.ts";

/** The `keep` largest values of every row, equal ones of the lowest latents; latents ascend. */
export function trimRows(code: Code, keep: number): Code {
  return code.map((row) =>
    row.toSorted((a, b) => b.value - a.value || a.latent - b.latent)
      .slice(0, keep)
      .sort((a, b) => a.latent - b.latent)
  );
}
