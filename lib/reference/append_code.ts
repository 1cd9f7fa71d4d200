/**
 * Codes of several layers as one.
 * @module
 */

/** Joins rows of (latent, value); latents of code i count from `i · latents` on. */
export function appendCode<E extends { latent: number }>(
  codes: readonly (readonly (readonly E[])[])[],
  latents: number,
): E[][] {
  return codes[0].map((_, r) =>
    codes.flatMap((code, i) => code[r].map((e) => ({ ...e, latent: e.latent + i * latents })))
  );
}
