/**
 * The largest score of each group of neighbouring latents, panel by panel.
 * @module
 */
import source from "../../shaders/group_max.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";
import type { RunningBest } from "./topk_merge.ts";

/** How latents are divided. */
export interface GroupPlan {
  /** Number of groups. */
  groups: number;
  /** Latents of a group. */
  size: number;
  /** The first groups, this many, have one latent more: those that do not divide evenly. */
  longer: number;
}

/**
 * `groups` groups of neighbouring latents as equal as can be: every latent is in one, so that none can never fire.
 * @throws RangeError when there are fewer latents than groups
 */
export function planGroups(latents: number, groups: number): GroupPlan {
  if (groups > latents || groups < 1) {
    throw new RangeError(`Cannot divide ${latents} latents into ${groups} groups`);
  }
  return { groups, size: Math.floor(latents / groups), longer: latents % groups };
}

/** The group of a latent. */
export function groupOf(latent: number, { size, longer }: GroupPlan): number {
  const before = longer * (size + 1);
  return latent < before
    ? Math.floor(latent / (size + 1))
    : longer + Math.floor((latent - before) / size);
}

/** What to compare. */
export interface GroupMaxArgs {
  /** A slot a group; those of groups that begin in the panel are overwritten. */
  best: RunningBest;
  /** The groups. */
  groups: GroupPlan;
  /** f32 [rows, panel]. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`. */
  panel: number;
  /** Number of the panel's first latent. */
  firstLatent: number;
  /** Latents of the panel, without padding. */
  latents: number;
}

/** The comparison. */
export const groupMax = {
  kernel: defineKernel({
    name: "group_max",
    source,
    parts: PARTS,
    buffers: ["scores", "bestScore", "bestLatent"],
    dims: [
      "rows",
      "panel",
      "firstLatent",
      "limit",
      "size",
      "longer",
      "firstGroup",
      "touched",
      "capacity",
    ],
  }),

  /** One compare a score; scores once, `k` groups. */
  cost({ rows, width, k }: { rows: number; width: number; k: number }): Cost {
    return { flops: rows * width, bytes: 4 * rows * (width + 2 * k) };
  },

  /** One dispatch for one panel. */
  record(gpu: Gpu, args: GroupMaxArgs): Dispatch {
    const { best, groups, scores, panel, firstLatent, latents } = args;
    const limit = firstLatent + latents;
    const firstGroup = groupOf(firstLatent, groups);
    const touched = groupOf(limit - 1, groups) - firstGroup + 1;
    return groupMax.kernel.dispatch(gpu, {
      dims: {
        rows: best.rows,
        panel,
        firstLatent,
        limit,
        size: groups.size,
        longer: groups.longer,
        firstGroup,
        touched,
        capacity: best.capacity,
      },
      buffers: { scores, bestScore: best.score, bestLatent: best.latent },
      groups: gridFor(best.rows * touched, THREADS, gpu.facts.maxGroups),
    });
  },
};
