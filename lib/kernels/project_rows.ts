/**
 * Takes from gradients of unit rows their component parallel to the rows.
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
}

/** Projection. */
export const projectRows = {
  kernel: defineKernel({
    name: "project_rows",
    source,
    parts: PARTS,
    buffers: ["w", "grad"],
    dims: ["rows", "d4"],
  }),

  /** Rows of w and grad twice. */
  cost({ latents, d }: { latents: number; d: number }): Cost {
    return { flops: 6 * latents * d, bytes: 4 * latents * 5 * d };
  },

  /** One dispatch a buffer. */
  record(gpu: Gpu, { w, grad }: ProjectArgs): Dispatch[] {
    return w.shards.map((shard, i) => {
      if (grad.shards[i]?.rows !== shard.rows) {
        throw new RangeError(`Cannot project "${grad.label}": it is split unlike "${w.label}"`);
      }
      return projectRows.kernel.dispatch(gpu, {
        dims: { rows: shard.rows, d4: w.stride / 4 },
        buffers: { w: shard.buffer, grad: grad.shards[i].buffer },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      });
    });
  },
};
