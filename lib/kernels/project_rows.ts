/**
 * Takes from gradients of unit rows their component parallel to the rows, and measures what is left.
 * @module
 */
import source from "../../shaders/project_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to project. */
export interface ProjectArgs {
  /** The rows. */
  w: Rows;
  /** Their gradient, split like `w`; projected in place. */
  grad: Rows;
  /** f32 [rows]: squared length of every projected row. */
  squares: GPUBuffer;
}

/** Projection. */
export const projectRows = {
  kernel: defineKernel({
    name: "project_rows",
    source,
    parts: PARTS,
    buffers: ["w", "grad", "squares"],
    dims: ["rows", "d4", "firstRow"],
  }),

  /** Rows of w and grad twice. */
  cost({ latents, d }: { latents: number; d: number }): Cost {
    return { flops: 8 * latents * d, bytes: 4 * latents * (5 * d + 1) };
  },

  /** One dispatch a buffer. */
  record(gpu: Gpu, { w, grad, squares }: ProjectArgs): Dispatch[] {
    return w.shards.map((shard, i) => {
      if (grad.shards[i]?.rows !== shard.rows) {
        throw new RangeError(`Cannot project "${grad.label}": it is split unlike "${w.label}"`);
      }
      return projectRows.kernel.dispatch(gpu, {
        dims: { rows: shard.rows, d4: w.stride / 4, firstRow: shard.firstRow },
        buffers: { w: shard.buffer, grad: grad.shards[i].buffer, squares },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      });
    });
  },
};
