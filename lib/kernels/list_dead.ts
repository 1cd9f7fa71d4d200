/**
 * Lists the dead latents in ascending order.
 * @module
 */
import source from "../../shaders/list_dead.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to list. */
export interface ListDeadArgs {
  /** Number of latents. */
  latents: number;
  /** u32 [latents]: 1 where dead. */
  dead: GPUBuffer;
  /** u32 [latents + 1]: exclusive scan of `dead`. */
  offsets: GPUBuffer;
  /** u32 [latents]. */
  list: GPUBuffer;
}

/** The list. */
export const listDead = {
  kernel: defineKernel({
    name: "list_dead",
    source,
    parts: PARTS,
    buffers: ["dead", "offsets", "list"],
    dims: ["latents"],
  }),

  /** Three words a latent. */
  cost({ latents }: { latents: number }): Cost {
    return { flops: 0, bytes: 12 * latents };
  },

  /** One dispatch. */
  record(gpu: Gpu, { latents, dead, offsets, list }: ListDeadArgs): Dispatch {
    return listDead.kernel.dispatch(gpu, {
      dims: { latents },
      buffers: { dead, offsets, list },
      groups: gridFor(latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
