/**
 * The factor that brings a matrix to a Frobenius norm of at most 1, from the sums of its squares.
 * @module
 */
import source from "../../shaders/schulz_scale.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";

/** Words of `scales`, f32. */
export const SCALES = {
  /** The factor. */
  scale: 0,
  /** Its square. */
  square: 1,
  /** Number of words. */
  words: 4,
} as const;

/** Where the factor comes from and goes to. */
export interface SchulzScaleArgs {
  /** Floats of `squares`, a multiple of 4. */
  count: number;
  /** Sums of squares, of any parts of the matrix. */
  squares: GPUBuffer;
  /** f32 [SCALES.words]. */
  scales: GPUBuffer;
}

/** The factor. */
export const schulzScale = {
  kernel: defineKernel({
    name: "schulz_scale",
    source,
    buffers: ["squares", "scales"],
    dims: ["count4"],
  }),

  /** One thread. */
  cost({ count }: { count: number }): Cost {
    return { flops: count, bytes: 4 * count + 8 };
  },

  /** One dispatch. */
  record(gpu: Gpu, { count, squares, scales }: SchulzScaleArgs): Dispatch {
    return schulzScale.kernel.dispatch(gpu, {
      dims: { count4: count / 4 },
      buffers: { squares, scales },
      groups: [1, 1, 1],
    });
  },
};
