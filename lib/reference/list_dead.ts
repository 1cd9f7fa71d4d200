/**
 * Which latents are dead.
 * @module
 */

/** Numbers of the dead latents, ascending. */
export function listDead(dead: ArrayLike<number>): number[] {
  return Array.from(dead, (flag, latent) => flag ? latent : -1).filter((latent) => latent >= 0);
}
