/**
 * Gradient of the decoder bias, in both of its roles where it is also taken from the input.
 * @module
 */
import source from "../../shaders/bias_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch } from "../gpu/kernel.ts";

/** What to combine. */
export interface BiasGradientArgs {
  /** Columns. */
  d: number;
  /** f32 [d padded]: sum of the residuals. */
  residualSum: GPUBuffer;
  /** f32 [d padded]: sum over latents of gradBias · W_enc; absent when the bias is not taken from the input. */
  encoderSum?: GPUBuffer;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** Place of the residuals' factor. */
  scaleWord: number;
  /** f32 [d padded]. */
  grad: GPUBuffer;
  /** f32 [1]: squared length of the gradient. */
  squares: GPUBuffer;
}

/** The bias gradient. */
export const biasGradient = {
  kernel: defineKernel({
    name: "bias_gradient",
    source,
    buffers: ["residualSum", "encoderSum", "scalars", "grad", "squares"],
    dims: ["d4", "scaleWord"],
  }),

  /** Three rows. */
  cost({ d }: { d: number }): Cost {
    return { flops: 4 * d, bytes: 12 * d };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: BiasGradientArgs): Dispatch {
    return biasGradient.kernel.dispatch(gpu, {
      defines: { TIED: args.encoderSum ? 1 : 0 },
      dims: { d4: Math.ceil(args.d / 4), scaleWord: args.scaleWord },
      buffers: {
        residualSum: args.residualSum,
        encoderSum: args.encoderSum ?? args.residualSum,
        scalars: args.scalars,
        grad: args.grad,
        squares: args.squares,
      },
      groups: [1, 1, 1],
    });
  },
};
