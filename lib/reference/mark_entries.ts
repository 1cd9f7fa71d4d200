/**
 * The pattern of a code by latent.
 * @module
 */
import type { Code } from "./types.ts";

/** `marks[latent][row]`: whether the latent is active on the row. */
export function markEntries(code: Code, latents: number): boolean[][] {
  return Array.from(
    { length: latents },
    (_, latent) => code.map((entries) => entries.some((e) => e.latent === latent)),
  );
}
