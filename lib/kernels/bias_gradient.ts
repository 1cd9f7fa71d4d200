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
  /** f32 [d padded]: sum of the derivatives by the input; absent when the bias is not taken from it. */
  inputGradient?: GPUBuffer;
  /** The buffer `scalars`. */
  scalars: GPUBuffer;
  /** Place of the residuals' factor. */
  scaleWord: number;
  /** f32 [d padded]. */
  grad: GPUBuffer;
  /** Add to what is there. */
  add?: boolean;
}

/** The bias gradient. */
export const biasGradient = {
  kernel: defineKernel({
    name: "bias_gradient",
    source,
    buffers: ["residualSum", "inputGradient", "scalars", "grad"],
    dims: ["d4", "scaleWord"],
  }),

  /** Three rows. */
  cost({ d }: { d: number }): Cost {
    return { flops: 3 * d, bytes: 12 * d };
  },

  /** One dispatch. */
  record(gpu: Gpu, args: BiasGradientArgs): Dispatch {
    return biasGradient.kernel.dispatch(gpu, {
      defines: { TIED: args.inputGradient ? 1 : 0, ADD: args.add ? 1 : 0 },
      dims: { d4: Math.ceil(args.d / 4), scaleWord: args.scaleWord },
      buffers: {
        residualSum: args.residualSum,
        inputGradient: args.inputGradient ?? args.residualSum,
        scalars: args.scalars,
        grad: args.grad,
      },
      groups: [1, 1, 1],
    });
  },
};
