/**
 * The largest of each group.
 * @module
 */
import type { Code, Matrix } from "./types.ts";

/**
 * ReLU of the largest score of each of `groups` groups of neighbouring latents, ties to the lowest latent. Latents that
 * do not divide evenly go to the first groups, one each.
 */
export function groupMax(scores: Matrix, groups: number): Code {
  return scores.map((row) => {
    const entries = [];
    let latent = 0;
    for (let g = 0; g < groups; g++) {
      const size = Math.floor(row.length / groups) + (g < row.length % groups ? 1 : 0);
      let best = { latent: -1, value: 0 };
      for (const end = latent + size; latent < end; latent++) {
        if (row[latent] > best.value) best = { latent, value: row[latent] };
      }
      if (best.latent >= 0) entries.push(best);
    }
    return entries;
  });
}
