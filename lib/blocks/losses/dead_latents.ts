/**
 * Which latents are dead: those that have not fired for so many tokens. Source: architectures spec, section 14.
 * @module
 */
import { createBuffer, type Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { SCAN_CHUNK } from "../../kernels/code.ts";
import { listDead } from "../../kernels/list_dead.ts";
import { scanCounts } from "../../kernels/scan_counts.ts";
import { trackFiring } from "../../kernels/track_firing.ts";

/** Counters of the latents, and the list of the dead. */
export interface DeadLatents {
  /** u32 [dSae]: tokens since a latent last fired. */
  readonly sinceFired: GPUBuffer;
  /** u32 [dSae]: tokens on which it fired since the host cleared it. */
  readonly fired: GPUBuffer;
  /** u32: word 0 is the number of dead latents. */
  readonly deadCount: GPUBuffer;
  /** u32 [dSae]: 1 for the dead ones. */
  readonly flags: GPUBuffer;
  /** u32 [dSae]: the dead ones in ascending order. */
  readonly list: GPUBuffer;
  /** Updates all of this from the counts of a batch. */
  track(counts: GPUBuffer): Command[];
}

/** Makes the counters. */
export function deadLatents(
  gpu: Gpu,
  options: { rows: number; dSae: number; deadAfter: number },
): DeadLatents {
  const { rows, dSae, deadAfter } = options;
  const words = (label: string, n: number) => createBuffer(gpu, n * 4, label);
  const sinceFired = words("since fired", dSae);
  const fired = words("fired", dSae);
  const dead = words("dead", dSae);
  const offsets = words("dead offsets", dSae + 1);
  const chunkStarts = words("dead chunk starts", Math.ceil(dSae / SCAN_CHUNK));
  const list = words("dead list", dSae);
  const deadCount = words("dead count", 4);
  return {
    sinceFired,
    fired,
    deadCount,
    flags: dead,
    list,
    track: (counts) => [
      trackFiring.record(gpu, { latents: dSae, rows, deadAfter, counts, sinceFired, fired, dead }),
      ...scanCounts.record(gpu, { n: dSae, counts: dead, chunkStarts, offsets }),
      listDead.record(gpu, { latents: dSae, dead, offsets, list }),
      {
        kind: "copy",
        from: offsets,
        fromOffset: dSae * 4,
        to: deadCount,
        toOffset: 0,
        size: 4,
      },
    ],
  };
}
