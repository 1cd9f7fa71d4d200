/**
 * Values over a factor a latent.
 * @module
 */
import type { Code } from "./types.ts";

/** The code with every value divided by its latent's factor. */
export function unscaleEntries(code: Code, factors: ArrayLike<number>): Code {
  return code.map((row) =>
    row.map(({ latent, value }) => ({ latent, value: value / factors[latent] }))
  );
}
