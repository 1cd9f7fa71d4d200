/**
 * Sums over inactive rows of what a score lacks to its threshold, from sums over all rows and the sparse code.
 * @module
 */
import source from "../../shaders/pre_act_deficit.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import type { Rows } from "../gpu/rows.ts";
import type { CodeByLatent } from "./code.ts";
import { PARTS, THREADS } from "./common.ts";

/** What the sums are made of. */
export interface DeficitArgs {
  /** Rows of the batch. */
  rows: number;
  /** Encoder rows [latents, d]. */
  wEnc: Rows;
  /** f32 [d padded]: sum of the encoder's input over rows. */
  inputSum: GPUBuffer;
  /** f32 [latents]. */
  bEnc: GPUBuffer;
  /** f32 [latents]. */
  thresholds: GPUBuffer;
  /** Whether the trained parameter is the logarithm of the threshold. */
  log: boolean;
  /** f32 [latents]: decoder norms, when thresholds are compared with scores times them. */
  norms?: GPUBuffer;
  /** The model's code by latent, placed: exactly the pairs with h > θ. */
  code: CodeByLatent;
  /** vec4f [latents]: deficit, sum of inactive scores, derivative of the threshold by its parameter, 0. */
  deficits: GPUBuffer;
}

/** Deficits. */
export const preActDeficit = {
  kernel: defineKernel({
    name: "pre_act_deficit",
    source,
    parts: PARTS,
    buffers: [
      "wEnc",
      "inputSum",
      "bEnc",
      "thresholds",
      "norms",
      "offsets",
      "placed",
      "out",
    ],
    dims: ["latents", "d4", "firstLatent", "rows"],
  }),

  /** Encoder rows once, entries once. */
  cost({ rows, k, d, latents }: { rows: number; k: number; d: number; latents: number }): Cost {
    return { flops: 2 * latents * d + rows * k, bytes: 4 * latents * d + 16 * rows * k };
  },

  /** One dispatch a buffer of `wEnc`. */
  record(gpu: Gpu, args: DeficitArgs): Dispatch[] {
    const { wEnc, code, norms } = args;
    return wEnc.shards.map((shard) =>
      preActDeficit.kernel.dispatch(gpu, {
        defines: { SCALED: norms ? 1 : 0, LOG: args.log ? 1 : 0 },
        dims: {
          latents: shard.rows,
          d4: wEnc.stride / 4,
          firstLatent: shard.firstRow,
          rows: args.rows,
        },
        buffers: {
          wEnc: shard.buffer,
          inputSum: args.inputSum,
          bEnc: args.bEnc,
          thresholds: args.thresholds,
          norms: norms ?? args.bEnc,
          offsets: code.offsets,
          placed: code.placed,
          out: args.deficits,
        },
        groups: gridFor(shard.rows, THREADS, gpu.facts.maxGroups),
      })
    );
  },
};
