/**
 * Scores of a panel of latents: `scores[r, l] = x[r] · w[l] + bias[l]`, or that times a factor of the latent.
 * @module
 */
import source from "../../shaders/encode_gemm.wgsl" with { type: "text" };
import stagedSource from "../../shaders/encode_gemm_staged.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, gridFor, type Slice } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import { ROW_UNIT } from "../gpu/rows.ts";
import { copyToTexels, createTexels, sharedTexels } from "../gpu/texels.ts";
import { pickVariant, type Variant } from "../gpu/tuning.ts";
import { roundUp } from "../tensor/shards.ts";
import { PARTS } from "./common.ts";
import type { Operand } from "./operand.ts";

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
   * `subgroup R` broadcasts R rows between lanes, `texels R` reads its operands from textures besides, both for adapters on
   * the CPU; `staged 8xL` goes through workgroup memory, for hardware, L latents a thread; `registers` works everywhere.
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

/** An operand and what has to run before its first use. */
export interface LoadedRows {
  /** The operand. */
  rows: Operand;
  /** Copies, if the device's variant wants one. */
  commands: Command[];
}

/** What to multiply. */
export interface EncodeArgs extends EncodeShape {
  /** [rows up to ROW_UNIT, d4] vec4, or rows that were loaded before. */
  x: GPUBuffer | Slice | Operand;
  /** Latent-major matrix, or one that was loaded before. */
  w: GPUBuffer | Operand;
  /** First row of w. */
  firstLatent: number;
  /** f32, one a latent; readable up to the end of the panel. */
  bias: GPUBuffer;
  /** Place in `bias` of the panel's first latent. */
  firstBias: number;
  /** f32, one a latent: what the scores are multiplied with. */
  factors?: GPUBuffer;
  /** Place in `factors` of the panel's first latent; 0 when absent. */
  firstFactor?: number;
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
  const hardware = stages && !facts.software ? [staged(1), staged(2)] : [];
  const plain = (
    name: string,
    ...[SUBGROUPS, LANES, ROWS, GROUP, TEXELS = 0]: [0 | 1, number, number, number, (0 | 1)?]
  ): EncodeVariant => {
    const tile = { rows: ROWS, latents: LANES * 4, threads: LANES, group: GROUP };
    const defines = { SUBGROUPS, LANES, ROWS, GROUP, TEXELS };
    return { name, shader: "registers", tile, defines };
  };
  const heights = lanes >= 4 && lanes <= 16 && 32 % lanes === 0 ? [32, 64] : [];
  const subgroup = heights.map((rows) => plain(`subgroup ${rows}`, 1, lanes, rows, lanes));
  // Wide registers are many as well: twice the rows fit them.
  const texels = (facts.software ? lanes === 16 ? heights.toReversed() : heights : [])
    .map((rows) => plain(`texels ${rows}`, 1, lanes, rows, lanes, 1));
  return [...hardware, ...texels, ...subgroup, plain("registers", 0, 8, 8, 64)];
}

/** Vec4s of so many rows, as far as tiles read. */
const vec4s = (rows: number, d: number) => roundUp(rows, ROW_UNIT) * Math.ceil(d / 4);

/** All variants bind and measure alike. */
const INTERFACE = {
  name: "encode_gemm",
  parts: PARTS,
  buffers: ["x", "w", "bias", "factors", "scores"],
  dims: ["d4", "firstLatent", "firstBias", "firstFactor", "panel4", "tiles", "groups"],
} as const;

/** The encoder product. */
export const encodeGemm = {
  kernel: defineKernel({ ...INTERFACE, source }),
  stagedKernel: defineKernel({ ...INTERFACE, source: stagedSource }),

  /** The variants that a device can run, the one that is taken untuned first. */
  variants: variantsFor,

  /** Chooses a variant; pure. */
  plan(shape: EncodeShape, facts: DeviceFacts): EncodePlan {
    const { rows, latents, d } = shape;
    const fits = Math.max(vec4s(rows, d), vec4s(latents, d)) <= facts.maxTexels;
    const variants = variantsFor(facts).filter(({ defines }) => fits || !defines.TEXELS);
    const { name, shader, tile, defines } = pickVariant("encode_gemm", variants, facts);
    const tiles = roundUp(shape.latents, PANEL_UNIT) / tile.latents;
    const groups = tiles * (roundUp(shape.rows, ROW_UNIT) / tile.rows);
    const grid = gridFor(groups * tile.threads, tile.group, facts.maxGroups);
    return { variant: name, shader, tile, defines, tiles, groups, grid };
  },

  /** Multiply-adds of the product; each operand once. */
  cost({ rows, latents, d }: EncodeShape): Cost {
    return { flops: 2 * rows * latents * d, bytes: 4 * (rows * d + latents * d + rows * latents) };
  },

  /**
   * An operand for several products: where the device's variant reads a copy, `commands` make it; they belong before the
   * first product and after what writes the rows.
   * @param rows of `source`
   * @param shape of the largest product
   */
  load(gpu: Gpu, source: GPUBuffer | Slice, rows: number, shape: EncodeShape): LoadedRows {
    const count = vec4s(rows, shape.d);
    const { defines } = encodeGemm.plan(shape, gpu.facts);
    if (!defines.TEXELS || count > gpu.facts.maxTexels) return { rows: { source }, commands: [] };
    const texels = createTexels(gpu, count, "rows to encode");
    return { rows: { source, texels }, commands: [copyToTexels(source, texels, count)] };
  },

  /** One dispatch for one panel, after copies of what is not where the variant reads it. */
  record(gpu: Gpu, args: EncodeArgs): Command[] {
    const { d, firstLatent } = args;
    const plan = encodeGemm.plan(args, gpu.facts);
    const kernel = plan.shader === "staged" ? encodeGemm.stagedKernel : encodeGemm.kernel;
    const copies: Command[] = [];
    const d4 = Math.ceil(d / 4);
    const operand = (given: EncodeArgs["x"], use: string, first: number, rows: number) => {
      const { source, texels }: Operand = "source" in given ? given : { source: given };
      if (!plan.defines.TEXELS) return { bound: source, first };
      if (texels) return { bound: texels, first };
      const count = vec4s(rows, d);
      const shared = sharedTexels(gpu, count, use);
      const { buffer, offset = 0 } = "buffer" in source ? source : { buffer: source };
      copies.push(copyToTexels({ buffer, offset: offset + first * d4 * 16 }, shared, count));
      return { bound: shared, first: 0 };
    };
    const x = operand(args.x, "rows of a panel", 0, args.rows);
    const w = operand(args.w, "latents of a panel", firstLatent, args.latents);
    const dispatch = kernel.dispatch(gpu, {
      label: plan.variant,
      defines: { ...plan.defines, SCALED: args.factors ? 1 : 0 },
      dims: {
        d4,
        firstLatent: w.first,
        firstBias: args.firstBias,
        firstFactor: args.firstFactor ?? 0,
        panel4: args.panel / 4,
        tiles: plan.tiles,
        groups: plan.groups,
      },
      buffers: {
        x: x.bound,
        w: w.bound,
        bias: args.bias,
        factors: args.factors ?? args.bias,
        scores: args.scores,
      },
      groups: plan.grid,
    });
    return [...copies, dispatch];
  },
};
