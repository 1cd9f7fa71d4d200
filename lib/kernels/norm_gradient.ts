/**
 * The gradient through a normalisation of rows: from that of `w / ‖w‖` to that of `w`, in place.
 * @module
 */
import source from "../../shaders/norm_gradient.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** The gradient of normalised rows. */
export const normGradient = {
  kernel: defineKernel({
    name: "norm_gradient",
    source,
    parts: PARTS,
    buffers: ["w", "grad"],
    dims: ["rows", "d4"],
  }),

  /** Rows of w and grad twice, and grad written. */
  cost({ rows, d }: { rows: number; d: number }): Cost {
    return { flops: 7 * rows * d, bytes: 4 * rows * 5 * d };
  },

  /**
   * One dispatch a buffer.
   * @param w rows before normalisation
   * @param grad derivative by the normalised rows, split like `w`
   */
  record(gpu: Gpu, { w, grad }: { w: Rows; grad: Rows }): Dispatch[] {
    return w.shards.map((shard, i) => {
      if (grad.shards[i].rows !== shard.rows || grad.stride !== w.stride) {
        throw new RangeError(`Cannot normalise "${grad.label}": it is split unlike "${w.label}"`);
      }
      return normGradient.kernel.dispatch(gpu, {
        dims: { rows: shard.rows, d4: w.stride / 4 },
        buffers: { w: shard.buffer, grad: grad.shards[i].buffer },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      });
    });
  },
};
