/**
 * Losses of a step and the factors of their gradients, kept on the GPU.
 * @module
 */
import source from "../../shaders/loss_scalars.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";
import { SCALARS } from "./common.ts";

/** What to conclude. */
export interface LossScalarsArgs {
  /** `main` after the decode of the code, `aux` after the decode of the dead latents. */
  of: "main" | "aux";
  /** Coefficient of AuxK. */
  alpha: number;
  /** f32 [8]: sums of the stats of all rows. */
  sums: GPUBuffer;
  /** u32s: scan of the dead flags. */
  deadCount: GPUBuffer;
  /** Place of the total in it. */
  deadPlace: number;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
}

/** Losses and factors. */
export const lossScalars = {
  kernel: defineKernel({
    name: "loss_scalars",
    source,
    buffers: ["sums", "deadCount", "scalars"],
    dims: ["alpha"],
  }),

  /** Nothing to speak of. */
  cost(): Cost {
    return { flops: 8, bytes: 64 };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: LossScalarsArgs): Dispatch {
    return lossScalars.kernel.dispatch(gpu, {
      label: args.of,
      defines: {
        AUX: args.of === "aux" ? 1 : 0,
        DEAD_PLACE: args.deadPlace,
        SCALE: SCALARS.scale,
        AUX_SCALE: SCALARS.auxScale,
        FVU: SCALARS.fvu,
        AUX_LOSS: SCALARS.auxLoss,
        SQUARED_ERROR: SCALARS.squaredError,
        SPREAD: SCALARS.spread,
      },
      dims: { alpha: args.alpha },
      buffers: { sums: args.sums, deadCount: args.deadCount, scalars: args.scalars },
      groups: [1, 1, 1],
    });
  },
};
