/**
 * Takes from decoder gradients their component parallel to the decoder rows, and squares all gradients of a latent.
 * @module
 */
import source from "../../shaders/project_rows.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import { PARTS, THREADS } from "./common.ts";

/** What to project. */
export interface ProjectArgs {
  /** Decoder rows. */
  w: Rows;
  /** Their gradient; projected in place. */
  grad: Rows;
  /** Gradient of the encoder rows, split like `w`. */
  other: Rows;
  /** f32 [latents]. */
  gradBias: GPUBuffer;
  /** f32 [latents]. */
  squares: GPUBuffer;
  /** Whether to project; otherwise only squares are made. */
  project: boolean;
}

/** Projection. */
export const projectRows = {
  kernel: defineKernel({
    name: "project_rows",
    source,
    parts: PARTS,
    buffers: ["w", "other", "gradBias", "grad", "squares"],
    dims: ["latents", "d4", "other4", "firstLatent"],
  }),

  /** Rows of w and grad twice, of other once. */
  cost({ latents, d }: { latents: number; d: number }): Cost {
    return { flops: 10 * latents * d, bytes: 4 * latents * 6 * d };
  },

  /** One dispatch a buffer. */
  record(gpu: Gpu, { w, grad, other, gradBias, squares, project }: ProjectArgs): Dispatch[] {
    return w.shards.map((shard, i) => {
      if (grad.shards[i].rows !== shard.rows || other.shards[i].rows !== shard.rows) {
        throw new RangeError(`Cannot project "${grad.label}": it is split unlike "${w.label}"`);
      }
      return projectRows.kernel.dispatch(gpu, {
        defines: { PROJECT: project ? 1 : 0 },
        dims: {
          latents: shard.rows,
          d4: w.stride / 4,
          other4: other.stride / 4,
          firstLatent: shard.firstRow,
        },
        buffers: {
          w: shard.buffer,
          other: other.shards[i].buffer,
          gradBias,
          grad: grad.shards[i].buffer,
          squares,
        },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      });
    });
  },
};
