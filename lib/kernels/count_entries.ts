/**
 * Counts the rows on which each latent is active.
 * @module
 */
import source from "../../shaders/count_entries.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** The count. */
export const countEntries = {
  kernel: defineKernel({
    name: "count_entries",
    source,
    parts: PARTS,
    buffers: ["bits", "before", "counts"],
    dims: ["latents", "words4"],
  }),

  /** The bits once, a word for four of them. */
  cost({ rows, latents }: { rows: number; latents: number }): Cost {
    return { flops: 0, bytes: latents * (rows / 8 + rows / 32 + 4) };
  },

  /** One dispatch. */
  record(gpu: Gpu, byLatent: CodeByLatent): Dispatch {
    return countEntries.kernel.dispatch(gpu, {
      dims: { latents: byLatent.latents, words4: byLatent.words / 4 },
      buffers: { bits: byLatent.bits, before: byLatent.before, counts: byLatent.counts },
      groups: gridFor(byLatent.latents, THREADS, gpu.facts.maxGroups),
    });
  },
};
