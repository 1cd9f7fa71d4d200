/**
 * Scores of a panel of latents: `scores[r, l] = x[r] · w[l] + bias[l]`.
 * @module
 */
import source from "../../shaders/encode_gemm.wgsl" with { type: "text" };
import stagedSource from "../../shaders/encode_gemm_staged.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, type Dispatch, gridFor, type Slice } from "../gpu/kernel.ts";
import { ROW_UNIT } from "../gpu/rows.ts";
import { pickVariant, type Variant } from "../gpu/tuning.ts";
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

/** A way to make the product on a device. */
interface EncodeVariant extends Variant {
  /** Which shader: `staged` goes through workgroup memory, `registers` does not. */
  shader: "staged" | "registers";
  /** A tile, the threads that make it, and the threads of a workgroup. */
  tile: { rows: number; latents: number; threads: number; group: number };
  /** Values for the template. */
  defines: Record<string, number>;
}

/** A plan for a shape on a device. */
export interface EncodePlan {
  /**
   * `subgroup R` broadcasts R rows between lanes, for adapters on the CPU; `staged 8xL` goes through workgroup memory, for
   * hardware, L latents a thread; `registers` works everywhere.
   */
  variant: string;
  /** Which shader. */
  shader: EncodeVariant["shader"];
  /** A tile, the threads that make it, and the threads of a workgroup. */
  tile: { rows: number; latents: number; threads: number; group: number };
  /** Values for the template. */
  defines: Record<string, number>;
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
  x: GPUBuffer | Slice;
  /** Latent-major matrix. */
  w: GPUBuffer;
  /** First row of w. */
  firstLatent: number;
  /** f32, one a latent; readable up to the end of the panel. */
  bias: GPUBuffer;
  /** Place in `bias` of the panel's first latent. */
  firstBias: number;
  /** Panel of scores [rows, panel] f32. */
  scores: GPUBuffer | Slice;
  /** Floats of a row of `scores`; a multiple of PANEL_UNIT. */
  panel: number;
}

/** Threads and bytes of workgroup memory that the staged variant needs. */
const STAGED = { threads: 128, bytes: 2 * 256 * 16 };

/** What works on a device: what is the fastest of its kind first, what works everywhere last. */
function variantsFor(facts: DeviceFacts): EncodeVariant[] {
  const lanes = facts.subgroupSize;
  const stages = facts.maxInvocations >= STAGED.threads && facts.workgroupBytes >= STAGED.bytes;
  const staged = (vecs: number): EncodeVariant => {
    const threads = STAGED.threads / vecs;
    const tile = { rows: 64, latents: 64, threads, group: threads };
    return { name: `staged 8x${4 * vecs}`, shader: "staged", tile, defines: { VECS: vecs } };
  };
  const plain = (name: string, SUBGROUPS: 0 | 1, LANES: number, ROWS: number, GROUP: number) => {
    const tile = { rows: ROWS, latents: LANES * 4, threads: LANES, group: GROUP };
    const defines = { SUBGROUPS, LANES, ROWS, GROUP };
    return { name, shader: "registers" as const, tile, defines };
  };
  const subgroup = lanes >= 4 && lanes <= 16 && 32 % lanes === 0
    ? [32, 64].map((rows) => plain(`subgroup ${rows}`, 1, lanes, rows, lanes))
    : [];
  const hardware = stages && !facts.software ? [staged(1), staged(2)] : [];
  return [...hardware, ...subgroup, plain("registers", 0, 8, 8, 64)];
}

/** All variants bind and measure alike. */
const INTERFACE = {
  name: "encode_gemm",
  parts: PARTS,
  buffers: ["x", "w", "bias", "scores"],
  dims: ["d4", "firstLatent", "firstBias", "panel4", "tiles", "groups"],
} as const;

/** The encoder product. */
export const encodeGemm = {
  kernel: defineKernel({ ...INTERFACE, source }),
  stagedKernel: defineKernel({ ...INTERFACE, source: stagedSource }),

  /** The variants that a device can run, the one that is taken untuned first. */
  variants: variantsFor,

  /** Chooses a variant; pure. */
  plan(shape: EncodeShape, facts: DeviceFacts): EncodePlan {
    const { name, shader, tile, defines } = pickVariant("encode_gemm", variantsFor(facts), facts);
    const tiles = roundUp(shape.latents, PANEL_UNIT) / tile.latents;
    const groups = tiles * (roundUp(shape.rows, ROW_UNIT) / tile.rows);
    const grid = gridFor(groups * tile.threads, tile.group, facts.maxGroups);
    return { variant: name, shader, tile, defines, tiles, groups, grid };
  },

  /** Multiply-adds of the product; each operand once. */
  cost({ rows, latents, d }: EncodeShape): Cost {
    return { flops: 2 * rows * latents * d, bytes: 4 * (rows * d + latents * d + rows * latents) };
  },

  /** One dispatch for one panel. */
  record(gpu: Gpu, args: EncodeArgs): Dispatch {
    const plan = encodeGemm.plan(args, gpu.facts);
    const kernel = plan.shader === "staged" ? encodeGemm.stagedKernel : encodeGemm.kernel;
    return kernel.dispatch(gpu, {
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
