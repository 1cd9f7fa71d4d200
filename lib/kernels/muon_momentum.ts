/**
 * The momentum of Muon and Nesterov's look ahead.
 * @module
 */
import source from "../../shaders/muon_momentum.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { PARTS, SCALARS, THREADS } from "./common.ts";

/** What to update. */
export interface MuonMomentumArgs {
  /** Floats, a multiple of 4. */
  count: number;
  /** Decay of the momentum. */
  beta: number;
  /** The buffer `scalars`: clip factor. */
  scalars: GPUBuffer;
  /** Place of the clip factor; `SCALARS.clip` when absent. */
  clipWord?: number;
  /** Gradient. */
  grad: GPUBuffer;
  /** Running mean of the gradient. */
  momentum: GPUBuffer;
  /** Where the look ahead is written. */
  u: GPUBuffer;
}

/** Muon's momentum. */
export const muonMomentum = {
  kernel: defineKernel({
    name: "muon_momentum",
    source,
    parts: PARTS,
    buffers: ["scalars", "grad", "momentum", "u"],
    dims: ["count4", "beta", "clipWord"],
  }),

  /** Two reads and two writes a parameter. */
  cost({ count }: { count: number }): Cost {
    return { flops: 6 * count, bytes: 16 * count };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: MuonMomentumArgs): Dispatch {
    const { beta, scalars, clipWord = SCALARS.clip, grad, momentum, u } = args;
    const count4 = args.count / 4;
    return muonMomentum.kernel.dispatch(gpu, {
      dims: { count4, beta, clipWord },
      buffers: { scalars, grad, momentum, u },
      groups: gridFor(count4, THREADS, gpu.facts.maxGroups),
    });
  },
};
