/**
 * Scores of a panel of latents: `scores[r, l] = x[r] · w[l] + bias[l]`.
 * @module
 */
import source from "../../shaders/encode_gemm.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../gpu/kernel.ts";
import { ROW_UNIT } from "../gpu/rows.ts";
import { roundUp } from "../tensor/shards.ts";
import { PARTS } from "./common.ts";

/** Latents of a panel are a multiple of this, whatever the variant. */
export const PANEL_UNIT = ROW_UNIT;

/** A shape of the product. */
export interface EncodeShape {
  /** Rows of x. */
  rows: number;
  /** Latents of the panel. */
  latents: number;
  /** Columns of both. */
  d: number;
}

/** A variant for a device. */
export interface EncodePlan {
  /** `subgroup` broadcasts rows between lanes; `registers` works everywhere. */
  variant: "subgroup" | "registers";
  /** Values for the template. */
  defines: { SUBGROUPS: number; LANES: number; ROWS: number; GROUP: number };
  /** Tiles along the latents. */
  tiles: number;
  /** Tiles in all. */
  groups: number;
  /** Workgroups. */
  grid: readonly [number, number, number];
}

/** What to multiply. */
export interface EncodeArgs extends EncodeShape {
  /** [rows up to ROW_UNIT, d4] vec4. */
  x: GPUBuffer;
  /** Latent-major matrix. */
  w: GPUBuffer;
  /** First row of w. */
  firstLatent: number;
  /** f32, one a latent; readable up to the end of the panel. */
  bias: GPUBuffer;
  /** Place in `bias` of the panel's first latent. */
  firstBias: number;
  /** Panel of scores [rows, panel] f32. */
  scores: GPUBuffer;
  /** Floats of a row of `scores`; a multiple of PANEL_UNIT. */
  panel: number;
}

/** The encoder product. */
export const encodeGemm = {
  kernel: defineKernel({
    name: "encode_gemm",
    source,
    parts: PARTS,
    buffers: ["x", "w", "bias", "scores"],
    dims: ["d4", "firstLatent", "firstBias", "panel4", "tiles", "groups"],
  }),

  /** Chooses a variant; pure. A subgroup wider than a panel unit allows falls back to registers. */
  plan(shape: EncodeShape, facts: DeviceFacts): EncodePlan {
    const lanes = facts.subgroupSize;
    const subgroup = lanes >= 4 && lanes <= 16 && 32 % lanes === 0;
    const defines = subgroup
      ? { SUBGROUPS: 1, LANES: lanes, ROWS: 32, GROUP: lanes }
      : { SUBGROUPS: 0, LANES: 8, ROWS: 8, GROUP: 64 };
    const tiles = roundUp(shape.latents, PANEL_UNIT) / (defines.LANES * 4);
    const groups = tiles * (roundUp(shape.rows, ROW_UNIT) / defines.ROWS);
    return {
      variant: subgroup ? "subgroup" : "registers",
      defines,
      tiles,
      groups,
      grid: gridFor(groups * defines.LANES, defines.GROUP, facts.maxGroups),
    };
  },

  /** Multiply-adds of the product; each operand once. */
  cost({ rows, latents, d }: EncodeShape): Cost {
    return { flops: 2 * rows * latents * d, bytes: 4 * (rows * d + latents * d + rows * latents) };
  },

  /** One dispatch for one panel. */
  record(gpu: Gpu, args: EncodeArgs): Dispatch {
    const plan = encodeGemm.plan(args, gpu.facts);
    return encodeGemm.kernel.dispatch(gpu, {
      label: plan.variant,
      defines: plan.defines,
      dims: {
        d4: Math.ceil(args.d / 4),
        firstLatent: args.firstLatent,
        firstBias: args.firstBias,
        panel4: args.panel / 4,
        tiles: plan.tiles,
        groups: plan.groups,
      },
      buffers: { x: args.x, w: args.w, bias: args.bias, scores: args.scores },
      groups: plan.grid,
    });
  },
};
